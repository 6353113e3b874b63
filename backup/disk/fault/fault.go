// Package fault is a file system port for tests in which the nth call fails, or
// ends the process. Only tests import it; it imports backup/disk.
package fault

import (
	"io/fs"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
)

// Op names a call that changes something, or makes it durable.
type Op string

// The calls that a hook sees.
const (
	Create   Op = "create"
	Write    Op = "write"
	Sync     Op = "sync"
	SyncDir  Op = "syncdir"
	SyncAll  Op = "syncall"
	Rename   Op = "rename"
	Mkdir    Op = "mkdir"
	Remove   Op = "remove"
	Allocate Op = "allocate"
	Truncate Op = "truncate"
)

// Hook is asked before each call. What it returns is the call's error, and the
// call is not made. It is called from several goroutines.
type Hook func(op Op, name string) error

// Wrap puts hook around root.
func Wrap(root disk.Root, hook Hook) disk.Root { return &faulty{Root: root, hook: hook} }

type faulty struct {
	disk.Root
	hook Hook
}

func (r *faulty) Create(name string, perm fs.FileMode) (disk.File, error) {
	if err := r.hook(Create, name); err != nil {
		return nil, err
	}
	f, err := r.Root.Create(name, perm)
	return r.file(f, name, err)
}

func (r *faulty) Append(name string, perm fs.FileMode) (disk.File, error) {
	f, err := r.Root.Append(name, perm)
	return r.file(f, name, err)
}

func (r *faulty) Open(name string) (disk.File, error) {
	f, err := r.Root.Open(name)
	return r.file(f, name, err)
}

func (r *faulty) file(f disk.File, name string, err error) (disk.File, error) {
	if err != nil {
		return nil, err
	}
	return &faultyFile{File: f, name: name, hook: r.hook}, nil
}

func (r *faulty) Mkdir(name string, perm fs.FileMode) error {
	if err := r.hook(Mkdir, name); err != nil {
		return err
	}
	return r.Root.Mkdir(name, perm)
}

func (r *faulty) Replace(from, to string) error {
	if err := r.hook(Rename, to); err != nil {
		return err
	}
	return r.Root.Replace(from, to)
}

func (r *faulty) Place(from, to string) error {
	if err := r.hook(Rename, to); err != nil {
		return err
	}
	return r.Root.Place(from, to)
}

func (r *faulty) Remove(name string) error {
	if err := r.hook(Remove, name); err != nil {
		return err
	}
	return r.Root.Remove(name)
}

func (r *faulty) SyncDir(name string) error {
	if err := r.hook(SyncDir, name); err != nil {
		return err
	}
	return r.Root.SyncDir(name)
}

func (r *faulty) SyncAll() error {
	if err := r.hook(SyncAll, "."); err != nil {
		return err
	}
	return r.Root.SyncAll()
}

type faultyFile struct {
	disk.File
	name string
	hook Hook
}

func (f *faultyFile) Write(p []byte) (int, error) {
	if err := f.hook(Write, f.name); err != nil {
		n, werr := f.File.Write(p[:len(p)/2]) // a disk that fails has often taken a part
		if werr != nil {
			return n, werr
		}
		return n, err
	}
	return f.File.Write(p)
}

func (f *faultyFile) Sync() error {
	if err := f.hook(Sync, f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultyFile) Allocate(size int64) error {
	if err := f.hook(Allocate, f.name); err != nil {
		return err
	}
	return f.File.Allocate(size)
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.hook(Truncate, f.name); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faultyFile) SetTime(t time.Time) error { return f.File.SetTime(t) }
