package bag

import (
	"crypto/sha256"
	"errors"
	"hash"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/disk"
)

type counter struct{ n atomic.Uint64 }

// large is the size from which room is asked for before the writing, and from
// which the writing goes past the page cache where it can: the disk takes it at
// once, and what is written here is not read again soon. Being durable is waited
// for once, for a whole batch ([Bag.Secure]).
const large = 128 << 10

// Staged is a file on its way into the bag. It is used by one goroutine.
type Staged struct {
	bag     *Bag
	temp    string
	file    disk.File
	hash    hash.Hash
	size    int64
	sum     [32]byte
	modTime time.Time
	durable bool // content and temporary name
}

// Stage begins a file that is expected to have size bytes; -1 if that is not
// known.
func (b *Bag) Stage(size int64) (*Staged, error) {
	temp := tempDir + "/" + b.session + "-" + strconv.FormatUint(b.counter.n.Add(1), 36)
	f, err := b.root.Create(temp, payloadMode)
	if err != nil {
		return nil, trouble(err)
	}
	s := &Staged{bag: b, temp: temp, file: f, hash: sha256.New()}
	if size >= large {
		if err := f.Allocate(size); err != nil {
			return nil, errors.Join(b.unroomy(err, size), s.Discard())
		}
		f.Direct()
	}
	return s, nil
}

// unroomy tells a file that is larger than the whole disk, which fails alone,
// from a disk that is full, which fails everything.
func (b *Bag) unroomy(err error, size int64) error {
	var all unix.Statfs_t
	if errors.Is(err, syscall.ENOSPC) && unix.Statfs(b.path, &all) == nil && size/max(1, all.Frsize) > int64(all.Blocks) {
		return &TooLargeError{Err: err}
	}
	return staging(err)
}

// Write appends to the file and to its sum.
func (s *Staged) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	s.size += int64(n)
	s.hash.Write(p[:n])
	return n, staging(err)
}

// Size is how many bytes were written.
func (s *Staged) Size() int64 { return s.size }

// SHA256 is the sum of what was written; valid after [Staged.Finish].
func (s *Staged) SHA256() [32]byte { return s.sum }

// Restart empties the file, to write it anew.
func (s *Staged) Restart() error {
	size := s.size
	fresh, err := s.bag.Stage(size)
	if err != nil {
		return err
	}
	err = s.Discard()
	*s = *fresh
	return err
}

// Finish sets the modification time and ends the writing. The file is durable
// after [Bag.Secure].
func (s *Staged) Finish(modTime time.Time) error {
	s.modTime = modTime
	if !modTime.IsZero() {
		// Some file systems take no such time; the listing keeps it.
		if err := s.file.SetTime(modTime); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EOVERFLOW) {
			return trouble(err)
		}
	}
	if s.bag.each {
		// Later it is opened for reading, through which some file systems flush
		// nothing to whoever keeps the bytes (CIFS).
		if err := s.file.Sync(); err != nil {
			return trouble(err)
		}
	} else if s.size >= large {
		s.file.WriteOut()
	}
	s.hash.Sum(s.sum[:0])
	f := s.file
	s.file = nil
	return trouble(f.Close())
}

// Discard removes the file.
func (s *Staged) Discard() error {
	var err error
	if s.file != nil {
		err = s.file.Close()
		s.file = nil
	}
	return trouble(errors.Join(err, s.bag.root.Remove(s.temp)))
}

func staging(err error) error {
	if errors.Is(err, syscall.EFBIG) {
		return &TooLargeError{Err: err}
	}
	return trouble(err)
}
