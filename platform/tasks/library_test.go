package tasks

import (
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// TestPhotosAreCountedAsAPersonDoes: a live photo is one, a sidecar and a
// thumbnail are none, and a placeholder is missing.
func TestPhotosAreCountedAsAPersonDoes(t *testing.T) {
	d := newDesk(t)
	d.declared(map[departure.Dataset]string{departure.Photos: d.folder("DCIM", map[string]string{
		"IMG_1.HEIC": "1", "IMG_1.MOV": "2", "IMG_1.AAE": "3", "IMG_2.JPG": "4", "IMG_2.DNG": "5", "notes.txt": "6",
		"Thumbs.db": "7", "IMG_3.jpg.nextcloud": " ",
	})})
	eventually(t, "all that can be copied in the copy", func() bool {
		d.backup()
		return listing(t, d.look(), departure.Photos, false).Covered == 6
	})
	if k := listing(t, d.look(), departure.Photos, false); k.Items != 8 || k.Failed != 2 || k.Covered-k.Beside != 2 || k.Counted() != 4 {
		t.Errorf("%+v", k)
	}
	page, err := d.Items(t.Context(), d.job, engine.ItemFilter{Failed: true})
	if must(t, err); len(page.Items) < 2 {
		t.Errorf("listed: %+v", page.Items)
	}
}

// TestImagesThatANoteLacksAreNamed, and block until they are accepted.
func TestImagesThatANoteLacksAreNamed(t *testing.T) {
	d := newDesk(t)
	d.declared(map[departure.Dataset]string{departure.Notes: d.folder("notes", map[string]string{
		"trip.md": "![](there.png) ![](gone.png)\n", "there.png": "png",
	})})
	eventually(t, "what is there in the copy", func() bool {
		d.backup()
		return listing(t, d.look(), departure.Notes, false).Covered == 2
	})
	if k := listing(t, d.look(), departure.Notes, false); k.Items != 3 || k.Failed != 1 || k.Missing() != 0 {
		t.Errorf("%+v", k)
	}
	page, err := d.Items(t.Context(), d.job, engine.ItemFilter{Failed: true})
	if must(t, err); len(page.Items) != 1 || page.Items[0].Name != "gone.png" {
		t.Errorf("listed: %+v", page.Items)
	}
}
