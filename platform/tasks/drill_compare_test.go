package tasks

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/eds"
)

// TestADrillTrustsNoRestore: what is in the folder counts, not what the restore
// said of it.
func TestADrillTrustsNoRestore(t *testing.T) {
	dir, noon := t.TempDir(), time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	var items []drilled
	for name, there := range map[string]string{"same.jpg": "the bytes", "other.jpg": "the bytez", "late.jpg": "the bytes", "gone.jpg": ""} {
		items = append(items, drilled{&restore.Item{Record: bag.Record{SHA256: sha256.Sum256([]byte("the bytes")), Size: 9, ModTime: noon}}, name})
		if there == "" {
			continue
		}
		at := filepath.Join(dir, name)
		must(t, os.WriteFile(at, []byte(there), 0o600))
		if name != "late.jpg" {
			must(t, os.Chtimes(at, noon, noon))
		}
	}
	must(t, os.WriteFile(dir+"/strange.jpg", []byte("the bytes"), 0o600))
	var out engine.DrillPart
	must(t, compareFolder(dir)(t.Context(), items, &out))
	if out.Compared != 1 || out.Differ != 2 || out.Missing != 1 || out.Strange != 1 || len(out.Examples) != 4 || out.Whole() {
		t.Errorf("%+v", out)
	}
}

// gathering is a target that keeps its items.
type gathering struct{ items []drilled }

func (g *gathering) Takes(*restore.Item) bool { return true }
func (g *gathering) Path() string             { return "" }
func (g *gathering) Write(_ context.Context, b restore.Batch) error {
	for it := range b.Items {
		g.items = append(g.items, drilled{it: it})
		b.Done(it, restore.Result{State: restore.Already})
	}
	return nil
}

// TestADrillLooksIntoBooks: a contact of the copy that is not in the book, or says
// less there, is told, and so is one that nobody put there.
func TestADrillLooksIntoBooks(t *testing.T) {
	card := func(uid, tel string) string {
		return "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:" + uid + "\r\nFN:" + uid + "\r\nTEL:" + tel + "\r\nEND:VCARD\r\n"
	}
	b, err := bag.Create(t.TempDir(), "copy", bag.Options{})
	must(t, err)
	var batch []bag.Addition
	for _, uid := range []string{"whole", "less", "gone"} {
		text := card(uid, "1")
		s, err := b.Stage(int64(len(text)))
		must(t, err)
		_, err = s.Write([]byte(text))
		must(t, err)
		must(t, s.Finish(time.Unix(1e9, 0)))
		key := source.Key{Ref: source.Ref{Account: "a", Dataset: source.Contacts, Source: "book"}, ID: uid}
		batch = append(batch, bag.Addition{Item: &source.Item{Key: key, Ext: ".vcf"}, Staged: s})
	}
	_, err = b.Commit(batch)
	must(t, err)
	must(t, b.Fold(nil))
	must(t, b.Close())
	from, err := bag.OpenReader(t.Context(), b.Path(), bag.Options{})
	must(t, err)
	defer from.Close()
	var g gathering
	_, err = restore.Run(t.Context(), from, &g, restore.Selection{}, restore.Options{})
	must(t, err)
	var out engine.DrillPart
	must(t, compareObjects(t.Context(), g.items, &out, map[string]string{
		"whole": card("whole", "1"), "less": card("less", "2"), "strange": card("strange", "1"),
	}, eds.Holds))
	if out.Compared != 1 || out.Differ != 1 || out.Missing != 1 || out.Strange != 1 || out.Whole() {
		t.Errorf("%+v", out)
	}
}
