package restore_test

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/restore"
)

// filling is a disk on which the nth call that changes it fails.
type filling struct {
	disk.Root
	mu   sync.Mutex
	left int
	err  error
}

func (f *filling) fail() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left--; f.left == 0 {
		return f.err
	}
	return nil
}

func (f *filling) Create(name string, perm fs.FileMode) (disk.File, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	file, err := f.Root.Create(name, perm)
	return &fillingFile{file, f}, err
}

func (f *filling) Mkdir(name string, perm fs.FileMode) error {
	return errors.Join(f.fail(), f.Root.Mkdir(name, perm))
}

func (f *filling) Place(from, to string) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Root.Place(from, to)
}

func (f *filling) SyncAll() error { return errors.Join(f.fail(), f.Root.SyncAll()) }

type fillingFile struct {
	disk.File
	on *filling
}

func (f *fillingFile) Write(p []byte) (int, error) {
	if err := f.on.fail(); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

// Every call that writes fails once, with each of the errors that disks give:
// the run says so, no file is half there, and the next one completes.
func TestAFailingDiskIsSaidAndTheNextRunCompletes(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EROFS} {
		w := newCopy(t, album()...)
		for n := 1; ; n++ {
			if n > 200 {
				t.Fatal("it never ended")
			}
			bad := &filling{left: n, err: &fs.PathError{Op: "write", Path: "x", Err: errno}}
			f, err := restore.NewFolder(w.target(), restore.FolderOptions{Wrap: func(r disk.Root) disk.Root { bad.Root = r; return bad }, Workers: 1})
			must(t, err)
			r, err := restore.Run(context.Background(), w.reader(), f, restore.Selection{}, restore.Options{})
			if err == nil && bad.left > 0 {
				break // the call that would fail did not come
			}
			var failing *restore.TargetError
			if !errors.As(err, &failing) || !errors.Is(err, errno) || r.Outcome != restore.Stopped {
				t.Fatalf("%v at %d: %v, %s", errno, n, err, r.Outcome)
			}
			for name, text := range tree(t, w.target()) {
				if want, ours := albumTree[name]; ours && text != want {
					t.Fatalf("%v at %d: %s has %q", errno, n, name, text)
				}
			}
		}
		if diff := cmp.Diff(albumTree, tree(t, w.target())); diff != "" {
			t.Error(diff)
		}
	}
}
