package findmy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// DefaultAllowFile names the implementers that count although they do not run
// as root:
//
//	{"version": 1, "implementers": [{"name": "org.clearance.FindMyDevice1.Acme", "uid": 992}]}
const DefaultAllowFile = "/etc/clearance/find-my-device.json"

// maxAllowFile bounds the file, in bytes.
const maxAllowFile = 64 << 10

// Allowed is one implementer that counts though its uid is not 0.
type Allowed struct {
	Name string
	UID  uint32
}

// ReadAllowFile reads a file in the form of [DefaultAllowFile]. It counts only
// when it and every folder above it belong to root and nobody else can write
// there, without symbolic links (security.md 13). No file allows nobody.
func ReadAllowFile(path string) ([]Allowed, error) {
	raw, err := readTrusted("/", strings.TrimPrefix(path, "/"), 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", path, err)
	}
	list, err := parseAllowed(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", path, err)
	}
	return list, nil
}

func parseAllowed(raw []byte) ([]Allowed, error) {
	var file struct {
		Version      int `json:"version"`
		Implementers []struct {
			Name string  `json:"name"`
			UID  *uint32 `json:"uid"` // a missing uid is not root
		} `json:"implementers"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end")
	}
	if file.Version != 1 {
		return nil, fmt.Errorf("version %d is not known, only 1", file.Version)
	}
	list := make([]Allowed, 0, len(file.Implementers))
	for i, e := range file.Implementers {
		if !validName(e.Name) || e.UID == nil {
			return nil, fmt.Errorf("entry %d needs a name that begins with %s and a uid", i+1, Prefix)
		}
		list = append(list, Allowed{e.Name, *e.UID})
	}
	return list, nil
}

// readTrusted reads a file below a folder, step by step, so that what was
// checked is what is opened.
func readTrusted(base, path string, owner uint32) ([]byte, error) {
	dir, err := unix.Open(base, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(dir) }()
	if err := trusted(dir, base, owner, unix.S_IFDIR); err != nil {
		return nil, err
	}
	parts := strings.Split(path, "/")
	for _, part := range parts[:len(parts)-1] {
		next, err := unix.Openat(dir, part, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part, err)
		}
		_ = unix.Close(dir)
		dir = next
		if err := trusted(dir, part, owner, unix.S_IFDIR); err != nil {
			return nil, err
		}
	}
	name := parts[len(parts)-1]
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	file := os.NewFile(uintptr(fd), name)
	defer func() { _ = file.Close() }()
	if err := trusted(fd, name, owner, unix.S_IFREG); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxAllowFile+1))
	if err == nil && len(raw) > maxAllowFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxAllowFile)
	}
	return raw, err
}

func trusted(fd int, name string, owner, kind uint32) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case st.Mode&unix.S_IFMT != kind:
		return fmt.Errorf("%s is of the wrong kind", name)
	case st.Uid != owner:
		return fmt.Errorf("%s belongs to uid %d, not to uid %d", name, st.Uid, owner)
	case st.Mode&0o022 != 0:
		return fmt.Errorf("%s can be written by others (mode %04o)", name, st.Mode&0o7777)
	}
	return nil
}
