package copy_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/copy"
)

// Whatever is done to the copy's lists of itself, the next opening says which
// one it was, and the next run writes them as they were.
func TestDamagedListsAreMended(t *testing.T) {
	harms := map[string]func(text []byte) []byte{
		"a bit":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut off": func(b []byte) []byte { return b[:len(b)/3] },
		"empty":   func([]byte) []byte { return nil },
		"gone":    nil,
	}
	for _, list := range []string{"manifest-sha256.txt", "items.jsonl", "bagit.txt", "failures.jsonl", "tagmanifest-sha256.txt"} {
		for name, harm := range harms {
			t.Run(list+" "+name, func(t *testing.T) {
				w := newWorld(t)
				for i := range 20 {
					w.write(fmt.Sprintf("p%d.jpg", i), fmt.Sprint("picture ", i))
				}
				w.write("link\xff.jpg", "no UTF-8")
				w.mustRun()
				w.write("p3.jpg", "changed") // two versions
				w.mustRun()
				w.close()
				sound, items := w.contents(), w.told()
				at := filepath.Join(w.bagDir(), list)
				text, err := os.ReadFile(at)
				if err != nil {
					t.Fatal(err)
				}
				if len(text) == 0 && harm != nil {
					harm = func([]byte) []byte { return []byte("nonsense") }
				}
				if err := os.Remove(at); err != nil {
					t.Fatal(err)
				}
				if harm != nil {
					if err := os.WriteFile(at, harm(bytes.Clone(text)), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				r, err := w.run(t.Context(), copy.Options{})
				if err != nil || r.Outcome != copy.Complete {
					t.Fatalf("%+v %v", r, err)
				}
				if len(r.Recovered.Lists) == 0 && list[0] != 't' {
					t.Errorf("nobody was told: %+v", r.Recovered)
				}
				w.close()
				w.check()
				if now := w.contents(); fmt.Sprint(now) != fmt.Sprint(sound) {
					t.Errorf("the copy has %d files, had %d", len(now), len(sound))
				}
				if now := w.told(); len(now) < len(items)-1 {
					t.Errorf("the copy tells of %d items, told of %d: %v", len(now), len(items), now)
				}
				w.open()
				if l := w.bag.Recovered().Lists; l != nil {
					t.Errorf("damaged still: %v", l)
				}
			})
		}
	}
}

// told are the ids of which the copy's list tells.
func (w *world) told() map[string]bool {
	w.t.Helper()
	w.open()
	defer w.close()
	told := map[string]bool{}
	for r, err := range w.bag.Items() {
		if err != nil {
			w.t.Fatal(err)
		}
		told[strings.ToValidUTF8(r.ID, "?")+" "+r.Path] = true
	}
	return told
}
