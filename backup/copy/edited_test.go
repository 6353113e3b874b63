package copy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/verify"
)

func TestEditedAndRemovedCopiesAreMadeGood(t *testing.T) {
	w := newWorld(t)
	w.write("a.jpg", "one")
	w.write("b.jpg", "two")
	w.write("c.jpg", "three")
	w.mustRun()
	w.held()
	at := w.bagDir() + "/data/photos/Pictures/"
	must(t, os.Chmod(at+"a.jpg", 0o600))
	must(t, os.WriteFile(at+"a.jpg", []byte("mine"), 0o600))
	must(t, os.Remove(at+"b.jpg"))
	must(t, os.Chmod(at+"c.jpg", 0o644)) // a new stat, the same content
	s, err := verify.CopyStats(t.Context(), w.bag, w.ledger)
	must(t, err)
	if s.Differ != 2 || s.Missing != 1 || s.Sound() {
		t.Fatalf("%+v", s)
	}
	r := w.mustRun()
	if r.Edited != 1 || r.Removed != 1 || r.Copied != 2 {
		t.Fatalf("%+v", r)
	}
	w.check()
	got := w.contents()
	if got["data/photos/Pictures/a.jpg"] != "one" || got["data/photos/Pictures/a~edited.jpg"] != "mine" ||
		got["data/photos/Pictures/b.jpg"] != "two" || len(got) != 4 {
		t.Fatalf("%v", got)
	}
	w.held()
	if s, err = verify.CopyStats(t.Context(), w.bag, w.ledger); err != nil || !s.Sound() {
		t.Fatalf("%+v %v", s, err)
	}
}

// What is edited or removed before its line was folded must not come into the
// manifest by that line.
func TestCopiesEditedBeforeTheFold(t *testing.T) {
	w := newWorld(t)
	w.write("a.jpg", "one")
	w.write("b.jpg", "two")
	if _, err := w.run(t.Context(), copy.Options{KeepJournal: true}); err != nil {
		t.Fatal(err)
	}
	w.close() // the next run finds the journal as a killed one left it
	at := w.bagDir() + "/data/photos/Pictures/"
	must(t, os.Chmod(at+"a.jpg", 0o600))
	must(t, os.WriteFile(at+"a.jpg", []byte("mine!"), 0o600))
	must(t, os.Remove(w.src+"/a.jpg"))
	r := w.mustRun()
	if r.Edited != 1 || r.Copied != 0 {
		t.Fatalf("%+v", r)
	}
	w.check()
	got := w.contents()
	if len(got) != 2 || got["data/photos/Pictures/a~edited.jpg"] != "mine!" || got["data/photos/Pictures/b.jpg"] != "two" {
		t.Fatalf("%v", got)
	}
}

func TestLostLedgerMakesNoSecondCopies(t *testing.T) {
	w := newWorld(t)
	w.write("a.jpg", "one")
	w.write("b.jpg", "two")
	w.mustRun()
	w.close()
	must(t, os.Remove(filepath.Join(w.dir, "state", "ledger")))
	if r := w.mustRun(); r.Copied != 2 {
		t.Fatalf("%+v", r)
	}
	if n := len(w.contents()); n != 2 {
		t.Fatalf("%d files in the bag: %v", n, w.contents())
	}
	w.check()
}
