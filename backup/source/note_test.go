package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestNoteReferences(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"image", "a ![cat](img/cat.png) b", "img/cat.png"},
		{"title", `![cat](img/cat.png "my cat")`, "img/cat.png"},
		{"angle", "![cat](<my cat.png>)", "my cat.png"},
		{"percent", "![cat](my%20cat.png)", "my cat.png"},
		{"bad percent", "![c](100%.png)", "100%.png"},
		{"parentheses", "![c](a(1).png)", "a(1).png"},
		{"escaped", `![c](a\(1.png)`, "a(1.png"},
		{"two on a line", "![a](a.png)![b](b.png)", "a.png b.png"},
		{"image in a link", "[![a](thumb.png)](full.jpg)", "thumb.png full.jpg"},
		{"attachment", "[slides](files/talk.pdf)", "files/talk.pdf"},
		{"query and fragment", "![a](a.png?x=1#y)", "a.png"},
		{"definition", "[1]: <a b.png> \"t\"\n[2]: c.jpg", "a b.png c.jpg"},
		{"html", `<IMG alt="x>" src='a.png'> <img width=3 src=b.png> <video src="c.mp4">`, "b.png c.mp4"},
		{"html image", `<img alt="x" src='a b.png'/>`, "a b.png"},
		{"wiki", "[[photo.jpg]] ![[b c.png|300]] [[d.pdf#page=2]]", "photo.jpg b c.png d.pdf"},
		{"joplin", "![a](:/0123456789abcdef0123456789abcdef)", ":/0123456789abcdef0123456789abcdef"},
		{"file uri", "![a](file:///home/x/a.png)", "file:///home/x/a.png"},
		{"climbs", "![a](../../a.png)", "../../a.png"},
		{"web", "![a](https://e.org/a.png) [b](mailto:x@y.z) ![c](data:image/png;base64,AA==) [d](//e.org/x.png)", ""},
		{"other notes", "[[Other]] [x](other.md) [[Dir/Note v1.2 draft]] [y](#top) [z](dir/)", ""},
		{"code span", "`![a](a.png)` ``![b](`b.png)`` ![c](c.png)", "c.png"},
		{"open tick", "5` ![c](c.png)", "c.png"},
		{"fence", "```\n![a](a.png)\n```\n~~~~ md\n![b](b.png)\n~~~\n~~~~\n![c](c.png)", "c.png"},
		{"empty", "![]() [[]] <img src=\"\">", ""},
		{"crlf", "![a](a.png)\r\n[1]: b.png\r\n", "a.png b.png"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refs, err := NoteReferences([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range refs {
				got = append(got, r.Target)
				if r.Start < 0 || r.End <= r.Start || r.End > len(tt.text) || r.Line < 1 {
					t.Errorf("bad place %+v", r)
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNoteReferencesLimits(t *testing.T) {
	refs, err := NoteReferences([]byte(strings.Repeat("![](a.png)", maxReferences+1)))
	if !errors.Is(err, ErrBeyondLimit) || len(refs) != maxReferences {
		t.Errorf("%d references, %v", len(refs), err)
	}
	if _, err := NoteReferences(make([]byte, MaxNote+1)); !errors.Is(err, ErrBeyondLimit) {
		t.Error(err)
	}
}

func TestNoteFolder(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("x")}
	folder := NewNoteFolder(fstest.MapFS{
		"Garden/plan.md": file, "Garden/img/a.png": file, "top.pdf": file, "deep/er/wiki.jpg": file, "very/deep/er/wiki.jpg": file, "folder.png/x": file,
	}, "/home/a/Notes")
	text := []byte("![](img/a.png) ![](b.png)\n![[wiki.jpg]] ![](wiki.jpg)\n![](/top.pdf) ![](../../../etc/x.png)\n![](../folder.png)\n" +
		"![](file:///home/a/Notes/Garden/img/a.png) ![](file:///etc/x.png) ![](Img\\a.png) [[gone.zip]]\n")
	refs, err := NoteReferences(text)
	if err != nil {
		t.Fatal(err)
	}
	files, missing := folder.Resolve("Garden/plan.md", refs)
	want := []string{"Garden/img/a.png", "", "deep/er/wiki.jpg", "", "top.pdf", "", "", "Garden/img/a.png", "", "", ""}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
	type failure struct {
		Target string
		Line   int
		Why    error
	}
	var got []failure
	for _, e := range missing {
		for _, why := range []error{ErrMissing, ErrOutside} {
			if errors.Is(e, why) {
				got = append(got, failure{e.Target, e.Line, why})
			}
		}
	}
	wantMissing := []failure{
		{"b.png", 1, ErrMissing}, {"wiki.jpg", 2, ErrMissing}, {"../../../etc/x.png", 3, ErrOutside}, {"../folder.png", 4, ErrMissing},
		{"file:///etc/x.png", 5, ErrOutside}, {`Img\a.png`, 5, ErrMissing}, {"gone.zip", 5, ErrMissing},
	}
	if diff := cmp.Diff(wantMissing, got, cmp.Comparer(errors.Is)); diff != "" {
		t.Error(diff)
	}
}

func TestNoteFolderFollowsNoLinkOut(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.png")
	if err := os.WriteFile(outside, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "a.png")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	_, missing := NewNoteFolder(root.FS(), dir).Resolve("n.md", []NoteReference{{Target: "a.png"}, {Target: "a.png", Wiki: true}})
	if len(missing) != 2 {
		t.Errorf("%d of 2 links that lead out were refused", len(missing))
	}
}

func FuzzNote(f *testing.F) {
	f.Add([]byte("![a](<b c.png> \"t\") `x` [[y.jpg|3]]\n```\n![](z.png)\n```\n<img src='q.png'>\n[r]: s.pdf\n"))
	f.Add([]byte("``a` [![x](t\\(.png)](u.jpg)\n~~~\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		refs, err := NoteReferences(text)
		if err != nil {
			return
		}
		for _, r := range refs {
			if r.Start < 0 || r.End > len(text) || r.Start >= r.End || r.Target == "" {
				t.Errorf("bad reference %+v", r)
			}
		}
		files, missing := NewNoteFolder(fstest.MapFS{"a.png": &fstest.MapFile{}}, "/n").Resolve("a/b.md", refs)
		if len(files) != len(refs) || len(missing) > len(refs) {
			t.Errorf("%d files, %d missing of %d", len(files), len(missing), len(refs))
		}
	})
}
