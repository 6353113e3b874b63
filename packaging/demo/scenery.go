package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/clearance-project/clearance/packaging/demo/content"
	"github.com/clearance-project/clearance/packaging/stage"
	"github.com/clearance-project/clearance/platform/session"
)

const (
	user     = "alice"
	password = "correct horse battery staple"
	// maxOwn bounds the pictures taken from PHOTOS, in bytes.
	maxOwn = 2 << 30
)

// scenery is the stage of the demo with what the scenes share.
type scenery struct {
	*stage.Stage
	root     string // everything; the copy stays in it
	copies   string // the folder that the copy goes into
	password string // file with the password
}

// set sets the demo up: session, server with its content, Find My Device, agent.
func set(ctx context.Context, bin, photos string) (_ *scenery, err error) {
	// Where the person runs it under sudo, their own TMPDIR may be closed to the
	// demo's user; /var/tmp is on a disk, and a copy in memory is refused.
	root, err := os.MkdirTemp("/var/tmp", "clearance-demo-")
	if err != nil {
		return nil, err
	}
	as, err := session.LookupCredential("nobody")
	if err != nil {
		return nil, err
	}
	s := &scenery{root: root, copies: filepath.Join(root, "copy")}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := os.Chmod(root, 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(s.copies, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chown(s.copies, int(as.UID), int(as.GID)); err != nil {
		return nil, err
	}
	if s.password, err = secretFile(root, "password", password, as); err != nil {
		return nil, err
	}
	fmt.Println("A throw-away home, a keyring, GNOME Online Accounts and its address books, each of them the real one;")
	fmt.Println("a Nextcloud-shaped server on loopback; a simulated phone with Find My Device on. Nothing of yours is touched.")
	if s.Stage, err = stage.Start(ctx, stage.Options{Root: root, As: as, Bin: bin, User: user, Password: password}); err != nil {
		return nil, err
	}
	if err := s.fill(photos); err != nil {
		return nil, err
	}
	if err := s.TurnDeviceOn(ctx); err != nil {
		return nil, err
	}
	if _, err := s.SignIn(ctx); err != nil {
		return nil, err
	}
	return s, s.StartAgent(ctx)
}

func secretFile(root, name, text string, as *session.Credential) (string, error) {
	at := filepath.Join(root, name)
	if err := os.WriteFile(at, []byte(text+"\n"), 0o600); err != nil {
		return "", err
	}
	return at, os.Chown(at, int(as.UID), int(as.GID))
}

// fill puts a person's things into the account.
func (s *scenery) fill(photos string) error {
	set := content.Generate(1926, content.Sizes{Photos: 48, Contacts: 120, Notes: 14, Events: 24, Tasks: 9})
	for _, f := range append(set.Photos, set.Notes...) {
		if _, err := s.Account.PutFile(f.Path, f.Data); err != nil {
			return err
		}
	}
	s.Account.AddBook("contacts", "Contacts")
	s.Account.AddCalendar("personal", "Personal")
	s.Account.AddCalendar("tasks", "Tasks", "VTODO")
	for _, o := range set.Contacts {
		if _, err := s.Account.PutContact("contacts", o.Href, []byte(o.Data)); err != nil {
			return err
		}
	}
	for at, objects := range map[string][]content.Object{"personal": set.Events, "tasks": set.Tasks} {
		for _, o := range objects {
			if _, err := s.Account.PutEvent(at, o.Href, []byte(o.Data)); err != nil {
				return err
			}
		}
	}
	if photos == "" {
		return nil
	}
	return s.own(photos)
}

// own copies the pictures of a folder into the account.
func (s *scenery) own(folder string) error {
	var size int64
	n := 0
	err := fs.WalkDir(os.DirFS(folder), ".", func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := fs.ReadFile(os.DirFS(folder), at)
		if err != nil {
			return err
		}
		if size += int64(len(data)); size > maxOwn {
			return fmt.Errorf("%s holds more than %d GB: give a smaller folder as PHOTOS", folder, maxOwn>>30)
		}
		n++
		_, err = s.Account.PutFile(path.Join("Photos/yours", at), data)
		return err
	})
	fmt.Printf("%d files of %s were copied into the account; the folder itself is not touched again.\n", n, folder)
	return err
}

// close stops everything and removes all but the copy.
func (s *scenery) close() error {
	var err error
	if s.Stage != nil {
		err = s.Stage.Close()
	}
	entries, rerr := os.ReadDir(s.root)
	err = errors.Join(err, rerr)
	for _, e := range entries {
		if e.Name() != filepath.Base(s.copies) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.root, e.Name())))
		}
	}
	return errors.Join(err, s.handOver())
}

// handOver gives the copy to whoever ran the demo with sudo, to look at.
func (s *scenery) handOver() error {
	uid, err := strconv.Atoi(os.Getenv("SUDO_UID"))
	if err != nil {
		return nil //nolint:nilerr // root ran it, who may look at everything
	}
	return filepath.WalkDir(s.copies, func(at string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(at, uid, -1)
	})
}

// says runs the command line as the person and shows what it prints. It returns
// all of it, with the exit code.
func (s *scenery) says(ctx context.Context, args ...string) (string, int, error) {
	fmt.Printf("$ clearance %s\n", shown(args))
	cmd := s.Clearance(ctx, args...)
	var all bytes.Buffer
	out := &indented{to: os.Stdout}
	cmd.Stdout = io.MultiWriter(&all, out)
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return all.String(), exit.ExitCode(), nil
	}
	return all.String(), 0, err
}

// quiet runs the command line without showing it.
func (s *scenery) quiet(ctx context.Context, args ...string) (string, error) {
	out, err := s.Clearance(ctx, args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("clearance %s: %w: %s", shown(args), err, out)
	}
	return string(out), nil
}

// shown is a command line as a person would type it, an answer a line.
func shown(args []string) string {
	var line strings.Builder
	for i, a := range args {
		switch {
		case a == "--yes-to":
			line.WriteString(" \\\n    ")
		case i > 0:
			line.WriteString(" ")
		}
		if strings.Contains(a, " ") {
			a = "'" + a + "'"
		}
		line.WriteString(a)
	}
	return line.String()
}

// indented sets what is printed apart from the demo's own words.
type indented struct {
	to  io.Writer
	mid bool
}

func (w *indented) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if !w.mid {
			if _, err := io.WriteString(w.to, "  "); err != nil {
				return 0, err
			}
		}
		if _, err := w.to.Write(line); err != nil {
			return 0, err
		}
		w.mid = line[len(line)-1] != '\n'
	}
	return len(p), nil
}

// until tries check four times a second until it holds, for at most 30 seconds.
func until(ctx context.Context, check func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := check(); err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
