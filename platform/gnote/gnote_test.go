package gnote

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/dataset/datasettest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func dirs(home string) xdg.Dirs {
	return xdg.Dirs{Home: home, Config: filepath.Join(home, ".config"), Data: filepath.Join(home, ".local/share"), Cache: filepath.Join(home, ".cache")}
}

func escaped(s string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.String()
}

// The forms in which the programs write a note.
const (
	tomboyForm = `<?xml version="1.0" encoding="utf-8"?>
<note version="0.3" xmlns:link="http://beatniksoftware.com/tomboy/link" xmlns:size="http://beatniksoftware.com/tomboy/size" xmlns="http://beatniksoftware.com/tomboy">
  <title>%[1]s</title>
  <text xml:space="preserve"><note-content version="0.1"><note-title>%[1]s</note-title>

%[2]s</note-content></text>
  <last-change-date>2024-01-02T10:00:00.0000000+01:00</last-change-date>
  <tags>
    <tag>system:notebook:Work</tag>
    <tag>urgent</tag>
  </tags>
</note>
`
	bijibenForm = `<?xml version="1.0" encoding="utf-8"?>
<note version="1" xmlns:link="http://projects.gnome.org/bijiben/link" xmlns:size="http://projects.gnome.org/bijiben/size" xmlns="http://projects.gnome.org/bijiben">
  <title>%[1]s</title>
  <text xml:space="preserve"><html xmlns="http://www.w3.org/1999/xhtml"><head><link rel="stylesheet" href="Default.css" type="text/css" /><script language="javascript" src="bijiben.js"></script></head><body id="editable" style="color: black;">%[1]s<div><br /></div>%[2]s</body></html></text>
  <last-change-date>2024-01-02T10:00:00Z</last-change-date>
  <tags>
    <tag>system:notebook:Work</tag>
  </tags>
</note>
`
)

func program(folder, form string) func(t *testing.T) datasettest.Program {
	return func(t *testing.T) datasettest.Program {
		home := t.TempDir()
		at := filepath.Join(home, ".local/share", folder)
		return datasettest.Program{
			Finder: New(dirs(home)), Home: home,
			Put: func(t *testing.T, items ...datasettest.Item) {
				for _, it := range items {
					datasettest.Write(t, filepath.Join(at, it.ID+".note"), fmt.Sprintf(form, escaped(it.Title), escaped(it.Body)))
				}
			},
			Damage: func(t *testing.T) { datasettest.Instead(t, at) },
			Spoil: func(t *testing.T, id string) string {
				file := filepath.Join(at, id+".note")
				if err := errors.Join(os.Remove(file), os.Symlink("/dev/null", file)); err != nil {
					t.Fatal(err)
				}
				return id
			},
		}
	}
}

func TestContractNotes(t *testing.T) {
	datasettest.Notes(t, "gnote", program("gnote", tomboyForm))
	datasettest.Notes(t, "tomboy", program("tomboy", tomboyForm))
	datasettest.Notes(t, "bijiben", program("bijiben", bijibenForm))
}

// TestMarkdown: what a note looks like is kept.
func TestMarkdown(t *testing.T) {
	for name, c := range map[string]struct{ form, body, want string }{
		"marks": {tomboyForm, `one <bold>two </bold>three <italic>fo<bold>ur</bold></italic>, <strikethrough>five</strikethrough> <monospace>s_x</monospace>`,
			"# A title\n\none **two** three *fo**ur***, ~~five~~ `s_x`\n\nNotebook: Work\n\nTags: urgent\n"},
		"lines": {tomboyForm, "one\ntwo\n\n<bold>three\nfour</bold>", "# A title\n\none  \ntwo\n\n**three**  \n**four**\n\nNotebook: Work\n\nTags: urgent\n"},
		"lists": {tomboyForm, "<list><list-item dir=\"ltr\">one\n<list><list-item dir=\"ltr\">two</list-item></list></list-item><list-item>three</list-item></list>after",
			"# A title\n\n- one\n  - two\n- three\nafter\n\nNotebook: Work\n\nTags: urgent\n"},
		"links": {tomboyForm, `<link:internal>Other note</link:internal> <link:url>https://example.org/a_b</link:url>`,
			"# A title\n\n[[Other note]] https://example.org/a\\_b\n\nNotebook: Work\n\nTags: urgent\n"},
		"what looks like marks": {tomboyForm, "# no headline\n*no* <size:huge>large</size:huge> [x](y) &lt;b&gt;", "# A title\n\n\\# no headline  \n\\*no\\* **large** \\[x\\](y) \\<b\\>\n\nNotebook: Work\n\nTags: urgent\n"},
		"a page": {bijibenForm, `<div>one <b>two</b></div><ul><li>a</li><li><i>b</i></li></ul><div><a href="https://example.org/">here</a></div>`,
			"# A title\n\none **two**\n- a\n- *b*\n[here](<https://example.org/>)\n\nNotebook: Work\n"},
	} {
		n, err := parse([]byte(fmt.Sprintf(c.form, "A title", c.body)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := string(n.markdown()); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestNotesThatAreNone fail instead of being empty.
func TestNotesThatAreNone(t *testing.T) {
	for _, raw := range []string{"", "text", "<other/>", "<note><title>", "<note>" + strings.Repeat("<a>", maxDepth+1)} {
		if n, err := parse([]byte(raw)); err == nil {
			t.Errorf("%.20q is %+v", raw, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(tomboyForm, "t", "<bold>a\n<list><list-item>b")))
	f.Add([]byte(fmt.Sprintf(bijibenForm, "t", "<a href=\"x\">b</a><img src=\"y\"/>")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if n, err := parse(raw); err == nil && len(n.markdown()) > 40*len(raw)+1000 {
			t.Errorf("%d bytes became %d", len(raw), len(n.markdown()))
		}
	})
}
