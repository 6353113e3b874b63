package bag

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

// putMany commits files in one batch. Every tenth has the content of one of them,
// and is stored once.
func putMany(t *testing.T, b *Bag, from, to int) {
	t.Helper()
	var batch []Addition
	for i := from; i < to; i++ {
		text := fmt.Sprint("text ", i)
		if i%10 == 3 {
			text = "the same"
		}
		s, err := b.Stage(int64(len(text)))
		must(t, err)
		_, err = io.WriteString(s, text)
		must(t, err)
		id := fmt.Sprintf("%d/%s %d", i%7, strings.Repeat("long name \"é\"", 4), i)
		it := &source.Item{Key: source.Key{Ref: source.Ref{Account: "a", Dataset: source.Files, Source: "s"}, ID: id}, Path: id}
		must(t, s.Finish(it.ModTime))
		batch = append(batch, Addition{Item: it, Staged: s})
	}
	_, err := b.Commit(batch)
	must(t, err)
}

// told are the lines of manifest and items.jsonl, sorted.
func told(t *testing.T, b *Bag) []string {
	t.Helper()
	var lines []string
	for _, name := range []string{manifestName, itemsName} {
		text, err := os.ReadFile(filepath.Join(b.Path(), name))
		must(t, err)
		lines = append(lines, strings.Split(string(text), "\n")...)
	}
	slices.Sort(lines)
	return lines
}

// A fold from what was kept beside the journal writes the lists that one from
// the journal itself does, however much there was.
func TestFoldsFromMemoryAndFromTheJournalAreOne(t *testing.T) {
	lists := map[bool][]string{}
	for _, again := range []bool{false, true} {
		b, err := Create(t.TempDir(), "copy", Options{Now: noon})
		must(t, err)
		for i := 0; i < 3000; i += 1000 {
			putMany(t, b, i, i+1000)
			if i == 1000 {
				must(t, b.Fold(nil))
				check(t, b.Path())
			}
		}
		if !again && (b.fresh == nil || b.fresh.items.file == nil) {
			t.Error("the lines of the journal were not kept, or all in memory")
		}
		if again { // opened again, it knows nothing but the journal
			must(t, b.Close())
			b, err = Open(b.Path(), Options{Now: noon})
			must(t, err)
			if b.fresh != nil || b.Pending() != 1000 {
				t.Errorf("%d pending", b.Pending())
			}
		}
		must(t, b.Fold(nil))
		check(t, b.Path())
		lists[again] = told(t, b)
		if names, err := b.root.Names(tempDir); err != nil || len(names) != 0 {
			t.Errorf("left behind: %v %v", names, err)
		}
		must(t, b.Close())
	}
	if len(lists[true]) != 3000+2703+1+2 || !slices.Equal(lists[true], lists[false]) {
		t.Errorf("%d and %d lines", len(lists[false]), len(lists[true]))
	}
}

// A line that takes something out cannot be kept so: the fold reads the journal.
func TestWhatTakesAwayIsReadFromTheJournal(t *testing.T) {
	b, err := Create(t.TempDir(), "copy", Options{})
	must(t, err)
	putMany(t, b, 0, 3000)
	r := put(t, b, "gone", "a text")
	must(t, os.Remove(filepath.Join(b.Path(), r.Path)))
	if whole, err := b.Heal(r.Path, r.SHA256, r.Size); whole || err != nil {
		t.Fatal(whole, err)
	}
	if b.fresh != nil {
		t.Error("it is kept as if it only added")
	}
	must(t, b.Fold(nil))
	check(t, b.Path())
	if slices.ContainsFunc(told(t, b), func(l string) bool { return ManifestPath([]byte(l)) == r.Path }) {
		t.Error("what is gone is in the manifest")
	}
	if b.fresh == nil {
		t.Error("after a fold the journal is read again")
	}
	must(t, b.Close())
}

// noon is a clock that stands.
func noon() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }
