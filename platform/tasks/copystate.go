package tasks

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/place"
)

// copyState is what is kept here of one copy beside its ledger: which run wrote
// it last, and which device it was read back from.
//
// A disk that was copied whole (a clone) has the uuid, the bag id and every
// stamp of the first. It is told by the mark of the run that wrote last: a clone
// lacks every later one and is refused, until the person chooses it as a place
// of its own. One that lacks none holds the same bytes as far as anybody can
// tell; where the device says that it is another one, all of it is read back
// before it counts.
type copyState struct {
	Mark bag.Mark  `json:"mark"`
	Next *bag.Mark `json:"next,omitempty"` // may have been written to the copy already
	// Hardware is the device that was read back from; what was read before Since
	// was on another.
	Hardware string    `json:"hardware,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	// Earlier is when what no ledger holds, as versions of before, was read back.
	Earlier time.Time `json:"earlier,omitzero"`
}

// knows reports whether a copy with this mark is the one that the state is of.
func (s *copyState) knows(m bag.Mark) bool {
	return m == s.Mark || (s.Next != nil && m == *s.Next)
}

// elsewhere reports whether the copy is on another device than it was read back
// from.
func (s *copyState) elsewhere(hardware string) bool {
	return s.Hardware != "" && hardware != "" && s.Hardware != hardware
}

// cloneError says that a disk is not the one the copy was written to last.
type cloneError struct{ name, at string }

func (e *cloneError) Error() string {
	return fmt.Sprintf("%s at %s is an older double of the disk that your copy was written to last: what was copied since is not on it", e.name, e.at)
}

// A job's BagID names a copy: by the bag's own id the first, and by a mark of its
// own after a dot each other disk that carries a copy of the same bag.

func bagOf(key string) string {
	id, _, _ := strings.Cut(key, ".")
	return id
}

func (w *Worker) copyDir(key string) string {
	return filepath.Join(w.cfg.State, "bags", filepath.Base(key))
}

const copyStateName = "copy.json"

// recallCopy reads what is kept of a copy; nothing is an empty state.
func (w *Worker) recallCopy(key string) (s copyState, err error) {
	text, err := os.ReadFile(filepath.Join(w.copyDir(key), copyStateName))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("cannot read what is known of your copy: %w", err)
	}
	return s, nil
}

func (w *Worker) keepCopy(key string, s *copyState) error { return writeState(w.copyDir(key), s) }

func writeState(dir string, s *copyState) error {
	text, err := json.Marshal(s)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = renameio.WriteFile(filepath.Join(dir, copyStateName), text, 0o600)
	}
	for _, at := range []string{dir, filepath.Dir(dir)} {
		if err == nil {
			err = syncNames(at)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot keep what is known of your copy: %w", err)
	}
	return nil
}

// syncNames makes the names in a folder durable: a file that took another's place
// is there after a power cut.
func syncNames(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// recognise holds an opened bag against the departure's copy. One that is not
// ours is false; a double of it is an error, unless this place was just chosen:
// then it is a copy with a list of its own.
func (w *Worker) recognise(job engine.Job, h *held, birth bool) (ours bool, err error) {
	if h.mark, err = h.Mark(); err != nil {
		return false, err
	}
	if key := job.Destination.BagID; key != "" {
		if bagOf(key) != h.ID() {
			return false, nil
		}
		h.key = key
		if h.state, err = w.recallCopy(key); err != nil {
			return false, err
		}
		if !h.state.knows(h.mark) {
			return false, &cloneError{diskName(job.Destination), h.place.MountAt}
		}
		return true, nil
	}
	keys, err := w.copiesOf(h.ID())
	if err != nil || !birth || len(keys) == 0 {
		return false, err
	}
	for _, h.key = range keys {
		if h.state, err = w.recallCopy(h.key); err != nil {
			return false, err
		}
		if h.state.knows(h.mark) {
			return true, nil
		}
	}
	return true, w.fork(h, keys[0])
}

// copiesOf are the names of the copies of a bag that are known here, the first
// one first.
func (w *Worker) copiesOf(id string) (keys []string, err error) {
	all, err := w.copiesKnown()
	return slices.DeleteFunc(all, func(key string) bool { return bagOf(key) != filepath.Base(id) }), err
}

// copiesKnown are the names of all copies of which there is a list here.
func (w *Worker) copiesKnown() (keys []string, err error) {
	all, err := os.ReadDir(filepath.Join(w.cfg.State, "bags"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read what is known of your copies: %w", err)
	}
	for _, d := range all {
		if n := d.Name(); d.IsDir() && !strings.HasSuffix(n, forkSuffix) {
			keys = append(keys, n)
		}
	}
	return keys, nil
}

const forkSuffix = ".new"

// fork begins a copy of its own with what an earlier one listed. Nothing of it
// was read back on this disk: the next reading finds what it lacks.
func (w *Worker) fork(h *held, from string) error {
	next := bag.NewMark()
	h.key = h.ID() + "." + next.Copy
	h.state = copyState{Mark: h.mark, Next: &next, Hardware: deviceOf(&h.place), Since: w.now()}
	dir := w.copyDir(h.key)
	if err := os.MkdirAll(dir+forkSuffix, 0o700); err != nil {
		return fmt.Errorf("cannot begin a second copy: %w", err)
	}
	known, err := w.openLedger(from)
	if err != nil {
		return err
	}
	fresh, err := ledger.Open(dir + forkSuffix)
	if err != nil {
		return fmt.Errorf("cannot begin a second copy: %w", err)
	}
	err = copyList(fresh, known)
	if err = errors.Join(err, fresh.Close()); err == nil {
		err = writeState(dir+forkSuffix, &h.state)
	}
	if err == nil {
		err = os.Rename(dir+forkSuffix, dir)
	}
	if err == nil {
		err = syncNames(filepath.Dir(dir))
	}
	if err != nil {
		return fmt.Errorf("cannot begin a second copy: %w", err)
	}
	return nil
}

// copyList lists in to what from lists, as never read back.
func copyList(to, from *ledger.Ledger) error {
	for e, err := range from.All() {
		if err != nil {
			return err
		}
		e.VerifiedAt = time.Time{}
		if err := to.Put(&e); err != nil {
			return err
		}
	}
	return to.Sync()
}

// begin counts a run on the copy: from here on a clone made before lacks it. It
// is noted here before it is written there, so that a crash in between leaves
// one that is known.
func (w *Worker) begin(h *held) error {
	s := &h.state
	next := h.mark.Next()
	switch {
	case s.Next != nil && *s.Next != h.mark:
		next = *s.Next // noted and not written
	case h.mark == bag.Mark{}:
		next = bag.NewMark()
	}
	s.Mark, s.Next = h.mark, &next
	if s.Hardware == "" {
		s.Hardware = deviceOf(&h.place)
	}
	if err := w.keepCopy(h.key, s); err != nil {
		return err
	}
	if err := h.SetMark(next); err != nil {
		return err
	}
	s.Mark, s.Next, h.mark = next, nil, next
	return w.keepCopy(h.key, s)
}

// deviceOf names the device that a copy is on: by what the hardware tells, else by
// its server, else by its number, which another may get or it may lose; then all
// is read back once more than would be needed.
func deviceOf(p *place.Place) string {
	if tells := p.Hardware(); tells != "" {
		return tells
	}
	if name := p.Disk(); strings.HasPrefix(name, "from:") {
		return name
	}
	return fmt.Sprintf("device=%d:%d", unix.Major(p.Dev), unix.Minor(p.Dev))
}

// readFrom notes which device the copy is read back from, and gives the time
// from which on a reading counts.
func (w *Worker) readFrom(h *held) (since time.Time, err error) {
	if now := deviceOf(&h.place); h.state.elsewhere(now) {
		h.state.Hardware, h.state.Since = now, w.now()
		err = w.keepCopy(h.key, &h.state)
	}
	return h.state.Since, err
}
