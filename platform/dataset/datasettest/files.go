package datasettest

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// tree is every file beneath a folder, with what would tell that it was written.
func tree(t *testing.T, at string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(at, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		files[p] = fingerprint(t, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// fingerprint is a file's mode, time and content.
func fingerprint(t *testing.T, at string) string {
	t.Helper()
	info, err := os.Lstat(at)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(info.Mode(), info.ModTime().UnixNano())
	if info.Mode().IsRegular() {
		raw, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf(" %x", sha256.Sum256(raw))
	}
	return text
}

// touched is what a watcher could see of everything that is watched: of a file
// also what SQLite keeps beside it.
func (d *desk) touched() map[string]string {
	d.Helper()
	seen := map[string]string{}
	for _, s := range d.find() {
		for _, at := range s.Watched {
			info, err := os.Lstat(at)
			if err == nil && info.IsDir() {
				for p, text := range tree(d.T, at) {
					seen[p] = text
				}
				continue
			}
			for _, beside := range []string{"", "-wal", "-journal"} {
				if _, err := os.Lstat(at + beside); err == nil {
					seen[at+beside] = fingerprint(d.T, at+beside)
				}
			}
		}
	}
	return seen
}

// Write writes a file of a program, with the folders above it.
func Write(t *testing.T, at, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		t.Fatal(err)
	}
	// As programs do: written beside it, and renamed into its place.
	if err := os.WriteFile(at+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(at+".new", at); err != nil {
		t.Fatal(err)
	}
}

// Instead puts a file in the place of a folder: nobody can list it.
func Instead(t *testing.T, at string) {
	t.Helper()
	if err := os.RemoveAll(at); err != nil {
		t.Fatal(err)
	}
	Write(t, at, "not a folder")
}
