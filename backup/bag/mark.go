package bag

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

const (
	markName = ".clearance/mark"
	markNew  = ".clearance/mark.new"
)

// Mark is what a run leaves in the bag, so that this bag can be told from a
// clone of it: a disk that was copied whole has the same uuid, the same bag id
// and the same stamps on every file, and only the run it saw last differs.
type Mark struct {
	Copy  string `json:"copy"`  // random: one for each disk that carries the bag
	Run   uint64 `json:"run"`   // counts the runs that wrote
	Nonce string `json:"nonce"` // random: of that run
}

// NewMark begins to count the runs on a copy of its own.
func NewMark() Mark { return Mark{Copy: randomHex(8), Run: 1, Nonce: randomHex(16)} }

// Next is the mark of the run after m.
func (m Mark) Next() Mark { return Mark{Copy: m.Copy, Run: m.Run + 1, Nonce: randomHex(16)} }

// Mark reads what the last run left; the zero value where none did. What cannot
// be read as a mark is none.
func (b *Bag) Mark() (Mark, error) {
	text, err := readSmall(b.root, markName)
	if errors.Is(err, fs.ErrNotExist) {
		return Mark{}, nil
	}
	if err != nil {
		return Mark{}, trouble(fmt.Errorf("cannot read which run wrote the copy: %w", err))
	}
	var m Mark
	if json.Unmarshal(text, &m) != nil {
		return Mark{}, nil
	}
	return m, nil
}

// SetMark puts a mark in place of the one before. It is durable when it returns.
func (b *Bag) SetMark(m Mark) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("cannot write which run writes the copy: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	if err := b.root.Remove(markNew); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return b.fail(err)
	}
	if err := writeFile(b.root, markNew, string(text), fileMode); err != nil {
		return b.fail(err)
	}
	if err := b.root.Replace(markNew, markName); err != nil {
		return b.fail(err)
	}
	return b.fail(b.root.SyncDir(ownDir))
}
