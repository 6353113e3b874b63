package archive

import (
	"testing"

	"github.com/clearance-project/clearance/backup/source"
)

// What a note shows and is not in the archive is named, as in a folder.
func TestNotesThatLackAPicture(t *testing.T) {
	files := []file{
		{"vault/a.md", "# A\n![](img/here.png) ![](gone.png) ![[deep.png]] ![[nowhere.png]] [b](b.md) ![](https://a.b/c.png) ![](../../out.png)\n"},
		{"vault/img/here.png", "png"}, {"vault/x/y/deep.png", "png"}, {"vault/b.md", "plain"},
	}
	for name, data := range map[string][]byte{"notes.zip": zipOf(t, files...), "notes.tgz": tgzOf(t, files...)} {
		items, failed, err := one(t, name, data, source.Notes)
		must(t, err)
		equal(t, name, ids(items), []string{"vault/a.md", "vault/b.md", "vault/img/here.png", "vault/x/y/deep.png"})
		equal(t, name, ids(failed), []string{"vault/a.md//gone.png", "vault/a.md//nowhere.png", "vault/a.md//../../out.png"})
		for id, why := range failed {
			if why != source.NoteFile {
				t.Errorf("%s: %s", id, why)
			}
		}
	}
}

func TestTreeIsAFileSystem(t *testing.T) {
	files := &tree{files: map[string]bool{}, folders: map[string][]leaf{}}
	for _, name := range []string{"a/b/c.md", "a/d.md", "e.md", "a/b/c.md", "../x", "e.md/f"} {
		files.put(name)
	}
	for name, folder := range map[string]bool{".": true, "a": true, "a/b": true, "a/b/c.md": false, "a/d.md": false} {
		info, err := files.Stat(name)
		if err != nil || info.IsDir() != folder || info.Mode().IsRegular() == folder {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	for _, name := range []string{"x", "a/x", "../x", "c.md"} {
		if _, err := files.Stat(name); err == nil {
			t.Errorf("%s is there", name)
		}
	}
}
