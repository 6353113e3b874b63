package xdg

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// ReadFile reads what a program keeps in these folders: a regular file of at most
// so many bytes, links followed. It never waits for a pipe. The error is an
// [fs.PathError]; of a file that is not there [fs.ErrNotExist].
func ReadFile(at string, most int64) ([]byte, error) {
	f, err := os.OpenFile(at, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	failed := func(why error) ([]byte, error) { return nil, &fs.PathError{Op: "read", Path: at, Err: why} }
	if !info.Mode().IsRegular() {
		return failed(errors.New("it is no file"))
	}
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > most {
		return failed(fmt.Errorf("it has more than %d bytes", most))
	}
	return raw, nil
}

// ReadIfThere reads as [ReadFile] does; a file that is not there is nil.
func ReadIfThere(at string, most int64) ([]byte, error) { return ifThere(ReadFile(at, most)) }

// ListIfThere lists as [ReadDir] does; a folder that is not there has no entries.
func ListIfThere(at string, most int) ([]fs.DirEntry, error) { return ifThere(ReadDir(at, most)) }

func ifThere[T any](all []T, err error) ([]T, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return all, err
}

// ReadDir lists a folder of at most so many entries, in no order. The error of one
// that is not there is [fs.ErrNotExist].
func ReadDir(at string, most int) ([]fs.DirEntry, error) {
	f, err := os.Open(at)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	entries, err := f.ReadDir(most + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(entries) > most {
		return nil, fmt.Errorf("%s has more than %d entries", at, most)
	}
	return entries, nil
}

// Literal is a path as a pattern of [path/filepath.Glob] that means itself.
func Literal(at string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(at)
}
