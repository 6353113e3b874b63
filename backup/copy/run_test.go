package copy_test

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/backup/copy"
)

func TestRunCopiesThenFindsNothingNew(t *testing.T) {
	w := newWorld(t)
	w.check()
	w.write("a.jpg", "one")
	w.write("2024/b.jpg", "two")
	w.write("2024/again.jpg", "one")
	r := w.mustRun()
	if r.Outcome != copy.Complete || r.Copied != 3 || r.Failed != 0 {
		t.Fatalf("first run: %+v", r)
	}
	w.check()
	got := w.contents()
	// Equal content is stored once, under whichever name was read first.
	delete(got, "data/photos/Pictures/a.jpg")
	delete(got, "data/photos/Pictures/2024/again.jpg")
	want := map[string]string{"data/photos/Pictures/2024/b.jpg": "two"}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
	if n := len(w.contents()); n != 2 {
		t.Fatalf("%d files in the bag, want 2", n)
	}
	if r = w.mustRun(); r.Copied != 0 || r.Unchanged != 3 {
		t.Fatalf("second run: %+v", r)
	}
	if c := w.cover(); !c.Whole() || c.Listed != 3 {
		t.Fatalf("coverage: %+v", c)
	}
}

func TestChangedItemIsANewVersionAndVanishedStays(t *testing.T) {
	w := newWorld(t)
	w.write("a.jpg", "one")
	w.write("b.jpg", "bee")
	w.mustRun()
	w.write("a.jpg", "other")
	if err := os.Remove(w.src + "/b.jpg"); err != nil {
		t.Fatal(err)
	}
	if c := w.cover(); c.Changed != 1 || c.Vanished != 1 || c.Whole() {
		t.Fatalf("coverage before: %+v", c)
	}
	r := w.mustRun()
	if r.Copied != 1 || r.Missing != 1 || r.Outcome != copy.Complete {
		t.Fatalf("%+v", r)
	}
	want := map[string]string{
		"data/photos/Pictures/a.jpg":   "one",
		"data/photos/Pictures/a~2.jpg": "other",
		"data/photos/Pictures/b.jpg":   "bee",
	}
	if d := cmp.Diff(want, w.contents()); d != "" {
		t.Fatal(d)
	}
	w.check()
	// Each version says when it was first seen: "as of a day" goes by that.
	var seen []time.Time
	for rec, err := range w.bag.Items() {
		if err != nil {
			t.Fatal(err)
		}
		if rec.ID == "a.jpg" {
			seen = append(seen, rec.FirstSeen)
		}
	}
	if len(seen) != 2 || !seen[1].After(seen[0]) {
		t.Fatalf("versions first seen at %v", seen)
	}
}
