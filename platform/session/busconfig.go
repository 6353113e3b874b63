package session

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// sessionConfig is a session bus for the session's user and for root, who may
// have started it. It reads nothing from /etc and searches one folder of
// service files.
const sessionConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <keep_umask/>
  <listen>%s</listen>
  <auth>EXTERNAL</auth>
  <servicedir>%s</servicedir>
  <policy context="default">
    <allow user="%d"/>
    <allow user="0"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

func (s *Session) writeBusConfig() error {
	if err := s.copyServices(); err != nil {
		return err
	}
	uid := uint32(os.Geteuid())
	if s.opts.As != nil {
		uid = s.opts.As.UID
	}
	text := fmt.Sprintf(sessionConfig, escape(s.BusAddress), escape(s.servicesDir()), uid)
	return writeConfig(filepath.Join(s.Root, "bus.conf"), text)
}

func writeConfig(name, text string) error {
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return fmt.Errorf("cannot write the private bus's configuration: %w", err)
	}
	return nil
}

// copyServices copies the service files that the session may activate. Copies,
// so that nothing installed later can join a running session.
func (s *Session) copyServices() error {
	patterns, dirs := s.opts.Services, s.opts.ServiceDirs
	if patterns == nil {
		patterns = DefaultServices()
	}
	if dirs == nil {
		dirs = []string{"/usr/local/share/dbus-1/services", "/usr/share/dbus-1/services"}
	}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot list the D-Bus services: %w", err)
		}
		for _, entry := range entries {
			ok, err := matches(patterns, entry.Name())
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if err := s.copyService(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func matches(patterns []string, name string) (bool, error) {
	for _, pattern := range patterns {
		ok, err := path.Match(pattern, name)
		if err != nil {
			return false, fmt.Errorf("cannot use the service pattern %q: %w", pattern, err)
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}

// copyService copies one file; the folder searched first wins. A unit name in
// it is dropped: the bus starts the program itself.
func (s *Session) copyService(from string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("cannot read a D-Bus service: %w", err)
	}
	var kept []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "SystemdService=") {
			kept = append(kept, line)
		}
	}
	to := filepath.Join(s.servicesDir(), filepath.Base(from))
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot copy a D-Bus service: %w", err)
	}
	_, err = f.WriteString(strings.Join(kept, ""))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cannot copy a D-Bus service: %w", err)
	}
	return nil
}

func escape(text string) string {
	var b bytes.Buffer
	// Writing to a buffer cannot fail.
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}
