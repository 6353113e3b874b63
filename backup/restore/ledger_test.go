package restore_test

import (
	"crypto/sha256"
	"os"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/backup/source"
)

// known is a ledger of everything in a bag, as it is now.
func (w *copyWorld) known() *ledger.Ledger {
	w.t.Helper()
	must(w.t, os.MkdirAll(w.dir+"/state", 0o700))
	l, err := ledger.Open(w.dir + "/state")
	must(w.t, err)
	w.t.Cleanup(func() { must(w.t, l.Close()) })
	for rec, err := range w.reader().Records() {
		must(w.t, err)
		must(w.t, l.Put(&ledger.Entry{Key: rec.Key, Rev: "1", Size: rec.Size, SHA256: rec.SHA256, Path: rec.Path}))
	}
	must(w.t, l.Sync())
	return l
}

// forget takes a file out of the copy with every line that speaks of it, and
// makes the copy's own sums right.
func (w *copyWorld) forget(path string) {
	w.t.Helper()
	must(w.t, os.Remove(w.bag()+"/"+path))
	for _, name := range []string{"manifest-sha256.txt", "items.jsonl"} {
		text, err := os.ReadFile(w.bag() + "/" + name)
		must(w.t, err)
		var kept strings.Builder
		for l := range strings.Lines(string(text)) {
			if !strings.Contains(l, path) {
				kept.WriteString(l)
			}
		}
		must(w.t, os.WriteFile(w.bag()+"/"+name, []byte(kept.String()), 0o600))
	}
	w.retag()
}

func TestAPhotoTakenOutWithItsLinesIsFoundMissingByTheLedgerAlone(t *testing.T) {
	w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea}, thing{ref: photos, id: "two.jpg", text: hill})
	l := w.known()
	r := w.restore(w.folder(), restore.Selection{}, restore.Options{Ledger: l, DryRun: true})
	if r.Outcome != restore.Complete || r.Proof != restore.ByLedger {
		t.Fatalf("%+v", r)
	}
	w.forget("data/photos/server/two.jpg")
	if r = w.restore(w.folder(), restore.Selection{}, restore.Options{DryRun: true}); r.Outcome != restore.Complete {
		t.Fatalf("the copy's own lists show it: %+v", r)
	}
	r = w.restore(w.folder(), restore.Selection{}, restore.Options{Ledger: l})
	if r.Outcome != restore.Partial || r.Unlisted != 1 || len(r.Failures) != 1 || r.Failures[0].ID != "two.jpg" || r.Failures[0].Reason != restore.Missing || r.All.Written != 1 {
		t.Errorf("%+v", r)
	}
	// Of what was not asked for nothing is said.
	r = w.restore(w.folder(), restore.Selection{Datasets: []source.Dataset{source.Files}}, restore.Options{Ledger: l})
	if r.Outcome != restore.Complete || r.All.Failed != 0 {
		t.Errorf("%+v", r)
	}
}

func TestAForgeryWithRightSumsOfItsOwnIsDamageToTheLedger(t *testing.T) {
	w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea})
	l := w.known()
	evil := strings.ToUpper(sea)
	at := w.bag() + "/data/photos/server/one.jpg"
	must(t, os.Chmod(at, 0o600), os.WriteFile(at, []byte(evil), 0o600))
	for _, name := range []string{"manifest-sha256.txt", "items.jsonl"} {
		text, err := os.ReadFile(w.bag() + "/" + name)
		must(t, err)
		must(t, os.WriteFile(w.bag()+"/"+name, []byte(strings.ReplaceAll(string(text), hexOf(sea), hexOf(evil))), 0o600))
	}
	w.retag()
	if r := w.restore(w.folder(), restore.Selection{}, restore.Options{DryRun: true}); r.Outcome != restore.Complete {
		t.Fatalf("the forgery is not a good one: %+v", r)
	}
	r := w.restore(w.folder(), restore.Selection{}, restore.Options{Ledger: l})
	if r.Outcome != restore.Partial || len(r.Failures) != 1 || r.Failures[0].Reason != restore.Damaged || len(tree(t, w.target())) != 0 {
		t.Errorf("%+v", r)
	}
}

func hexOf(text string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range sha256.Sum256([]byte(text)) {
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}
