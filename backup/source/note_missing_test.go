package source

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/scan"
)

// TestNoteItemsNameWhatNotesLack: an image that never came down is a failure by
// name, one that is there is an item.
func TestNoteItemsNameWhatNotesLack(t *testing.T) {
	dir := t.TempDir()
	for p, text := range map[string]string{
		"trip.md":         "![](img/there.png) ![again](img/gone.png)\n![](img/gone.png) [x](https://example.org/a.png) ![](../outside.png)\n",
		"sub/wiki.MD":     "![[there.png]] ![[nowhere.png]]",
		"plain.txt":       "![](no-markdown.png)",
		"img/there.png":   "png",
		"huge.md":         strings.Repeat("x", MaxNote+1),
		"cycle.md":        "[self](cycle.md) [other](trip.md)",
		"sub/file.md":     "![](file:///etc/passwd.png)",
		"../outside.png":  "png",
		"sub/escaped.md":  `![](..%2fimg%2fthere.png)`,
		"sub/control.md":  "![](a\x1b[31m.png)",
		"sub/newname.md":  "![](<no such.png>)",
		"sub/absolute.md": "![](/img/there.png)",
	} {
		at := filepath.Join(dir, "notes", p)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := scan.Open(filepath.Join(dir, "notes"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f := Folder{Ref: Ref{Dataset: Notes}, Root: root}
	var lacking []string
	items := 0
	for it, err := range f.NoteItems(t.Context()) {
		e, failed := errors.AsType[*Failed](err)
		switch {
		case failed:
			lacking = append(lacking, it.ID)
			if e.Reason != NoteFile || it.Rev == "" || it.Name == "" {
				t.Errorf("%+v", e)
			}
		case err != nil:
			t.Error(err)
		default:
			items++
		}
	}
	slices.Sort(lacking)
	want := []string{
		"huge.md//", "sub/control.md//a\x1b[31m.png", "sub/file.md//file:///etc/passwd.png", "sub/newname.md//no such.png",
		"sub/wiki.MD//nowhere.png", "trip.md//../outside.png", "trip.md//img/gone.png",
	}
	if items != 11 || !slices.Equal(lacking, want) {
		t.Errorf("%d items, lacking\n%q, want\n%q", items, lacking, want)
	}
}
