package copy_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/copy"
)

// Whatever a disk does to the lines that a run left in the journal, the next one
// says how many cannot be read, and by the ledger nothing that was acknowledged
// is lost, though the source has it no more.
func TestDamagedLinesOfTheJournalLoseNothing(t *testing.T) {
	const items = 9
	flip := func(line []byte) []byte { line[len(line)/2] ^= 1; return line }
	for name, c := range map[string]struct {
		line   int
		harm   func(line []byte) []byte
		undone bool // the renaming was lost too
		lines  int
		first  bool // somebody only looked at the copy before
	}{
		"a bit":                        {4, flip, false, 1, false},
		"a bit of the first":           {0, flip, false, 1, false},
		"a bit, renaming undone":       {4, flip, true, 1, false},
		"a bit, looked at before":      {4, flip, true, 1, true},
		"a hole":                       {4, func(line []byte) []byte { return append(make([]byte, 700<<10), '\n') }, true, 1, false},
		"cut off":                      {items - 1, func(line []byte) []byte { return line[:len(line)/2] }, false, 0, false},
		"cut off, renaming undone":     {items - 1, func(line []byte) []byte { return line[:len(line)/2] }, true, 0, false},
		"the end of the last is wrong": {items - 1, func(line []byte) []byte { return line[:len(line)-1] }, true, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for i := range items {
				w.write(fmt.Sprintf("p%d.jpg", i), fmt.Sprint("picture ", i))
			}
			if r, err := w.run(t.Context(), copy.Options{KeepJournal: true}); err != nil || r.Outcome != copy.Complete {
				t.Fatalf("%+v %v", r, err)
			}
			waiting := []bag.Record{}
			for rec, err := range w.bag.Waiting() {
				if err != nil {
					t.Fatal(err)
				}
				waiting = append(waiting, rec)
			}
			w.close()
			sound := map[string]string{}
			for _, rec := range waiting {
				sound[rec.Path] = "picture " + rec.ID[1:2]
			}
			at := filepath.Join(w.bagDir(), ".clearance/journal")
			text, err := os.ReadFile(at)
			if err != nil {
				t.Fatal(err)
			}
			lines := bytes.SplitAfter(text, []byte("\n"))
			lost := waiting[c.line]
			lines[c.line] = c.harm(lines[c.line])
			must(t, os.WriteFile(at, bytes.Join(lines, nil), 0o600))
			if c.undone && name != "the end of the last is wrong" {
				must(t, os.Rename(filepath.Join(w.bagDir(), lost.Path), filepath.Join(w.bagDir(), ".clearance/tmp/0a0b0c0d-1")))
			}
			must(t, os.Remove(filepath.Join(w.src, lost.ID)))
			if c.first {
				w.open()
				w.close()
			}
			reader, err := bag.OpenReader(context.Background(), w.bagDir(), bag.Options{})
			must(t, err)
			if n := reader.Unreadable(); n != c.lines {
				t.Errorf("a reader tells of %d lines", n)
			}
			must(t, reader.Close())
			r, err := w.run(t.Context(), copy.Options{})
			if err != nil || r.Mended.Lines != c.lines || r.Recovered.Damaged != c.lines {
				t.Fatalf("%+v %v", r, err)
			}
			if name != "the end of the last is wrong" && (r.Mended.Relisted+r.Mended.Back == 0 || !r.Mended.Any()) {
				t.Errorf("%+v", r.Mended)
			}
			w.close()
			w.check()
			if now := w.contents(); fmt.Sprint(now) != fmt.Sprint(sound) {
				t.Errorf("the copy holds %v, held %v", now, sound)
			}
			if now := w.told(); len(now) != items || !now[lost.ID+" "+lost.Path] {
				t.Errorf("the copy tells of %v", now)
			}
			listed := map[string]bool{}
			w.open()
			for l, err := range w.bag.Manifest() {
				must(t, err)
				listed[l.Path] = true
			}
			if !listed[lost.Path] || w.bag.Recovered().Mend {
				t.Errorf("listed: %v, %+v", listed[lost.Path], w.bag.Recovered())
			}
			w.close()
			if _, err := os.Stat(filepath.Join(w.bagDir(), ".clearance/damaged")); err == nil {
				t.Error("what was mended is kept on")
			}
		})
	}
}

// TestWhatWasTakenOutIsNotListedAgain: the journal tells first that an item came,
// and then that it is gone.
func TestWhatWasTakenOutIsNotListedAgain(t *testing.T) {
	w := newWorld(t)
	w.write("a.jpg", "one")
	w.write("b.jpg", "two")
	if _, err := w.run(t.Context(), copy.Options{KeepJournal: true}); err != nil {
		t.Fatal(err)
	}
	must(t, os.Remove(filepath.Join(w.bagDir(), "data/photos/Pictures/a.jpg")))
	must(t, os.Remove(filepath.Join(w.src, "a.jpg")))
	if r, err := w.run(t.Context(), copy.Options{KeepJournal: true}); err != nil || r.Removed != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	if r, err := w.run(t.Context(), copy.Options{KeepJournal: true}); err != nil || r.Resumed != 0 || r.Removed != 0 {
		t.Errorf("%+v %v", r, err)
	}
}
