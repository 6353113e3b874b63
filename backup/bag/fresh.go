package bag

import (
	"errors"
	"io"

	"github.com/clearance-project/clearance/backup/disk"
)

// fresh is what the journal adds to the manifest and items.jsonl, in their own
// words, so that a fold need not take the journal apart again: reading a million
// lines back takes longer than copying the files did. It stands for the journal
// only while every line of it adds and none takes away; else it is dropped, and
// the fold reads the journal.
type fresh struct {
	manifest, items spool
	placed          *placed
}

// add takes one line of the journal, or reports that it is not one that only
// adds.
func (f *fresh) add(e *entry) (bool, error) {
	if e.State != Copied || e.Adopted {
		return false, nil
	}
	if e.Temp != "" {
		f.placed.add(e.Path)
		f.manifest.held = append(append(append(f.manifest.held, e.SHA256...), "  "...), e.Path...)
		f.manifest.held = append(f.manifest.held, '\n')
	}
	f.items.held = append(e.line.appendTo(f.items.held), '\n')
	return true, errors.Join(f.manifest.spill(), f.items.spill())
}

func (f *fresh) drop() error {
	if f == nil {
		return nil
	}
	return errors.Join(f.manifest.drop(), f.items.drop())
}

// spool holds text in memory, and beyond spoolHeld in a temporary file. What is
// in the file need not be durable: the journal is.
type spool struct {
	root disk.Root
	name string
	file disk.File
	held []byte
}

const spoolHeld = 256 << 10

func (s *spool) spill() error {
	if len(s.held) < spoolHeld {
		return nil
	}
	if s.file == nil {
		f, err := s.root.Create(s.name, fileMode)
		if err != nil {
			return err
		}
		s.file = f
	}
	_, err := s.file.Write(s.held)
	s.held = s.held[:0]
	return err
}

func (s *spool) copyTo(w io.Writer) error {
	if s.file != nil {
		if err := copyFile(s.root, s.name, w); err != nil {
			return err
		}
	}
	_, err := w.Write(s.held)
	return err
}

func (s *spool) drop() error {
	s.held = nil
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return errors.Join(err, s.root.Remove(s.name))
}

func copyFile(root disk.Root, name string, w io.Writer) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return errors.Join(err, f.Close())
}

// startFresh begins anew with an empty journal.
func (b *Bag) startFresh() {
	temp := tempDir + "/" + b.session + "-"
	b.fresh = &fresh{
		manifest: spool{root: b.root, name: temp + "manifest"},
		items:    spool{root: b.root, name: temp + "items"},
		placed:   newPlaced(),
	}
}

// freshen adds what was logged.
func (b *Bag) freshen(entries []entry) error {
	for i := range entries {
		if b.fresh == nil {
			return nil
		}
		adds, err := b.fresh.add(&entries[i])
		if err == nil && !adds {
			err = b.fresh.drop()
			b.fresh = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
