package xdg

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, "file")
	if _, err := ReadFile(at, 3); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
	if err := errors.Join(os.WriteFile(at, []byte("abc"), 0o600), unix.Mkfifo(at+"-pipe", 0o600), os.Symlink("file", at+"-link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{at, at + "-link"} {
		if raw, err := ReadFile(name, 3); string(raw) != "abc" || err != nil {
			t.Errorf("%s: %q, %v", name, raw, err)
		}
	}
	var path *fs.PathError
	if raw, err := ReadFile(at, 2); raw != nil || !errors.As(err, &path) {
		t.Errorf("beyond the limit: %q, %v", raw, err)
	}
	for _, name := range []string{at + "-pipe", dir, "/dev/zero"} {
		if raw, err := ReadFile(name, 3); raw != nil || err == nil {
			t.Errorf("%s was read as a file: %q", name, raw)
		}
	}
}

func TestReadDir(t *testing.T) {
	at := t.TempDir()
	if entries, err := ReadDir(at, 1); err != nil || len(entries) != 0 {
		t.Errorf("an empty folder: %v, %v", entries, err)
	}
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(at, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := ReadDir(at, 2); err != nil || len(entries) != 2 {
		t.Errorf("two entries: %v, %v", entries, err)
	}
	if entries, err := ReadDir(at, 1); err == nil {
		t.Errorf("more than asked for: %v", entries)
	}
	if _, err := ReadDir(filepath.Join(at, "none"), 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}

func TestLiteral(t *testing.T) {
	for _, name := range []string{`a*b`, `a?b`, `a[b]`, `a\b`} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if found, err := filepath.Glob(Literal(dir)); err != nil || len(found) != 1 || found[0] != dir {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}

// TestIfThere: what is not there is none, and nothing else is.
func TestIfThere(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if raw, err := ReadIfThere(filepath.Join(dir, "none"), 1); raw != nil || err != nil {
		t.Errorf("%q %v", raw, err)
	}
	if raw, err := ReadIfThere(filepath.Join(dir, "empty"), 1); raw == nil || len(raw) > 0 || err != nil {
		t.Errorf("%v %v", raw, err)
	}
	if _, err := ReadIfThere(dir, 1); err == nil {
		t.Error("a folder was read")
	}
	if all, err := ListIfThere(filepath.Join(dir, "none"), 1); all != nil || err != nil {
		t.Errorf("%v %v", all, err)
	}
	if all, err := ListIfThere(dir, 1); len(all) != 1 || err != nil {
		t.Errorf("%v %v", all, err)
	}
	if _, err := ListIfThere(dir, 0); err == nil {
		t.Error("a folder with more was listed")
	}
}
