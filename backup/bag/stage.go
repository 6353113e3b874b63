package bag

import (
	"crypto/sha256"
	"errors"
	"hash"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
)

type counter struct{ n atomic.Uint64 }

// syncAlone is the size from which a file is made durable by itself, at once, by
// whoever copied it; smaller ones are made durable together. Measured: a sync
// for each of 100,000 files of 300 B takes ten times as long as their copying.
const syncAlone = 128 << 10

// Staged is a file on its way into the bag. It is used by one goroutine.
type Staged struct {
	bag     *Bag
	temp    string
	file    disk.File
	hash    hash.Hash
	size    int64
	sum     [32]byte
	durable bool
	modTime time.Time
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
	if size >= syncAlone {
		if err := f.Allocate(size); err != nil {
			return nil, errors.Join(staging(err), s.Discard())
		}
	}
	return s, nil
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

// Finish sets the modification time and ends the writing. A large file is
// durable after it, a small one after [Bag.Commit].
func (s *Staged) Finish(modTime time.Time) error {
	s.modTime = modTime
	if !modTime.IsZero() {
		// Some file systems take no such time; the listing keeps it.
		if err := s.file.SetTime(modTime); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EOVERFLOW) {
			return trouble(err)
		}
	}
	if s.size >= syncAlone {
		if err := s.file.Sync(); err != nil {
			return trouble(err)
		}
		s.durable = true
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
