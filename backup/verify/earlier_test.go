package verify_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/verify"
)

// What no ledger holds is held against the copy's own lists.
func TestEarlierVersionsAreReadBack(t *testing.T) {
	b, l := copies(t, 30, bag.Options{})
	at := func(i int) string { return fmt.Sprintf("data/photos/s/%d/%d.jpg", i%3, i) }
	for i := range 6 { // since then these changed at their source
		for e, err := range l.All() {
			must(t, err)
			if e.Path == at(i) {
				must(t, l.Forget(&e.Key))
				break
			}
		}
	}
	read := func() verify.Earlier {
		e, err := verify.RunEarlier(t.Context(), b, l)
		must(t, err)
		return e
	}
	if e := read(); len(e.Problems) != 0 || e.Files != 7 { // and data/about.txt
		t.Fatalf("%+v", e)
	}
	file := func(i int) string { return filepath.Join(b.Path(), at(i)) }
	must(t, os.Remove(file(0)))
	must(t, os.Chmod(file(2), 0o600))
	must(t, os.WriteFile(file(2), []byte("other"), 0o600))
	// Another content, and the manifest made to fit: items.jsonl knows better.
	must(t, os.Chmod(file(4), 0o600))
	must(t, os.WriteFile(file(4), nil, 0o600))
	list := filepath.Join(b.Path(), "manifest-sha256.txt")
	text, err := os.ReadFile(list)
	must(t, err)
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if strings.HasSuffix(line, "  "+at(4)) {
			lines[i] = empty + "  " + at(4)
		}
	}
	must(t, os.WriteFile(list, []byte(strings.Join(lines, "\n")), 0o600))
	want := map[string]verify.Status{at(0): verify.Missing, at(2): verify.Damaged, at(4): verify.Damaged}
	e := read()
	for _, p := range e.Problems {
		if want[p.Path] != p.Status || p.Err == nil {
			t.Errorf("%s: %s %v", p.Path, p.Status, p.Err)
		}
		delete(want, p.Path)
	}
	if len(want) > 0 || e.Files != 7 {
		t.Errorf("not found: %v; %+v", want, e)
	}
	must(t, e.PutAside(b))
	must(t, b.Fold(nil))
	if e := read(); len(e.Problems) != 0 || e.Files != 6 { // the two damaged ones under names of their own
		t.Errorf("put aside: %+v", e)
	}
}
