package restore_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/restore"
)

// plant does what a thief does who can write the copy: a file, its sums, and
// lines of items.jsonl in front of or after those that are there.
func (w *copyWorld) plant(path, text string, before, after []map[string]any) {
	w.t.Helper()
	must(w.t, os.WriteFile(w.bag()+"/"+path, []byte(text), 0o600))
	sum := sha256.Sum256([]byte(text))
	manifest, err := os.ReadFile(w.bag() + "/manifest-sha256.txt")
	must(w.t, err)
	manifest = append(manifest, hex.EncodeToString(sum[:])+"  "+path+"\n"...)
	must(w.t, os.WriteFile(w.bag()+"/manifest-sha256.txt", manifest, 0o600))
	items, err := os.ReadFile(w.bag() + "/items.jsonl")
	must(w.t, err)
	lines := func(list []map[string]any) (out string) {
		for _, l := range list {
			l["path"], l["size"], l["sha256"] = path, len(text), hex.EncodeToString(sum[:])
			b, err := json.Marshal(l)
			must(w.t, err)
			out += string(b) + "\n"
		}
		return out
	}
	must(w.t, os.WriteFile(w.bag()+"/items.jsonl", []byte(lines(before)+string(items)+lines(after)), 0o600))
	w.retag()
}

const forged = "a picture of somebody else's"

func photoLine(id string) map[string]any {
	return map[string]any{"dataset": "photos", "account": account, "source": photos.Source, "id": id, "name": id, "state": "copied"}
}

func TestAForgedEditTakesNoItemsPlace(t *testing.T) {
	w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea})
	l := w.known()
	w.plant("data/photos/server/one~edited.jpg", forged, nil, []map[string]any{{"state": "edited", "was": "data/photos/server/one.jpg"}})
	if r := w.restore(w.folder(), restore.Selection{}, restore.Options{DryRun: true}); r.Outcome != restore.Complete || !strings.Contains(r.Placed[0].Where, "edited") {
		t.Fatalf("the forgery is not a good one: %+v", r)
	}
	r := w.restore(w.folder(), restore.Selection{}, restore.Options{Ledger: l})
	if r.Outcome != restore.Partial || r.Newer != 1 || r.All.Unproven != 0 || r.All.Written != 1 || r.Placed[0].Proof != restore.ByLedger {
		t.Errorf("%+v", r)
	}
	if got := tree(t, w.target()); len(got) != 1 || got["photos/server/one.jpg"] != sea {
		t.Errorf("%v", got)
	}
	// Who wants to see it may, under a name of its own and as what it is.
	r = w.restore(w.folder(), restore.Selection{AllVersions: true}, restore.Options{Ledger: l})
	if r.Outcome != restore.Complete || r.All.Selected != 2 || r.All.Unproven != 1 || r.All.Written != 1 || r.Placed[0].Proof != restore.ByManifest {
		t.Errorf("%+v", r)
	}
}

// A forged version "as of" a day is the ledger's to deny too.
func TestAForgedVersionOfADayTakesNoItemsPlace(t *testing.T) {
	w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea, seen: noon})
	l := w.known()
	line := photoLine("one.jpg")
	line["first_seen"] = noon.Add(time.Hour)
	w.plant("data/photos/server/one~2.jpg", forged, nil, []map[string]any{line})
	r := w.restore(w.folder(), restore.Selection{AsOf: noon.Add(2 * time.Hour)}, restore.Options{Ledger: l})
	if got := tree(t, w.target()); r.All.Written != 1 || r.All.Unproven != 0 || got["photos/server/one.jpg"] != sea {
		t.Errorf("%+v %v", r, got)
	}
}

func TestWhatTheLedgerLacksIsCountedAndComesLast(t *testing.T) {
	w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea}, thing{ref: contacts, id: "c1", text: card("c1", "Ada", "1")})
	l := w.known()
	// Its name is that of the other, once both are beneath a folder.
	w.plant("data/photos/server/one~2.jpg", forged, []map[string]any{photoLine("./one.jpg")}, nil)
	r := w.restore(w.folder(), restore.Selection{}, restore.Options{Ledger: l})
	if r.Outcome != restore.Complete || r.All.Selected != 3 || r.All.Unproven != 1 || r.All.Beside != 1 {
		t.Errorf("%+v", r)
	}
	for _, p := range r.Placed {
		if (p.ID == "./one.jpg") != (p.Proof == restore.ByManifest) {
			t.Errorf("%+v", p)
		}
	}
	if got := tree(t, w.target()); got["photos/server/one.jpg"] != sea {
		t.Errorf("the forgery has the name: %v", got)
	}
	// Another copy's ledger vouches for what it has, and for nothing else.
	w.forget("data/photos/server/one.jpg")
	r = w.restore(w.folder(), restore.Selection{}, restore.Options{Ledger: l, Witness: true, DryRun: true})
	if r.Outcome != restore.Complete || r.All.Failed != 0 || r.Unlisted != 1 || r.All.Unproven != 1 || r.All.Selected != 2 {
		t.Errorf("%+v", r)
	}
	// Without any, nothing is proven.
	r = w.restore(w.folder(), restore.Selection{}, restore.Options{DryRun: true})
	if r.All.Unproven != r.All.Selected || r.Proof != restore.ByManifest {
		t.Errorf("%+v", r)
	}
}

func TestWhatIsMissingOfAnotherKindIsNoFailureOfAFile(t *testing.T) {
	w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea}, thing{ref: contacts, id: "c1", text: card("c1", "Ada", "1")})
	l := w.known()
	w.forget("data/photos/server/one.jpg")
	to, err := restore.NewFile(w.dir+"/home/all.vcf", restore.FolderOptions{})
	must(t, err)
	if r := w.restore(to, restore.Selection{}, restore.Options{Ledger: l}); r.Outcome != restore.Complete || r.All.Written != 1 {
		t.Errorf("%+v", r)
	}
}

func TestAnotherObjectUnderTheIDBesideIsNotTheSame(t *testing.T) {
	w := newCopy(t, thing{ref: contacts, id: "c1", text: card("c1", "Ada", "1")})
	probe := w.dir + "/home/probe.vcf"
	must(t, os.WriteFile(probe, []byte(card("c1", "Eve", "1")), 0o600))
	if r := w.restore(w.file("probe.vcf"), restore.Selection{}, restore.Options{}); r.All.Beside != 1 {
		t.Fatalf("%+v", r)
	}
	both := card("c1", "Eve", "1")
	for uid := range cards(t, w.dir+"/home/probe~2.vcf") {
		both += card(uid, "Mallory", "6")
	}
	must(t, os.WriteFile(w.dir+"/home/all.vcf", []byte(both), 0o600))
	r := w.restore(w.file("all.vcf"), restore.Selection{}, restore.Options{})
	if r.Outcome != restore.Partial || len(r.Failures) != 1 || r.Failures[0].Reason != restore.Conflict {
		t.Errorf("%+v", r)
	}
}
