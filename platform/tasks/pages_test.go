package tasks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
)

// TestPagesOfTheCopy: who stops after the copy can look at it; after the read
// back the page says so; and what cannot be written beside the copy fails no copy.
func TestPagesOfTheCopy(t *testing.T) {
	d := newDesk(t)
	at := d.folder("contacts", map[string]string{"anna.vcf": "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nFN:Anna\r\nEND:VCARD\r\n"})
	d.declared(map[departure.Dataset]string{departure.Contacts: at})
	if res := d.backup(); res.Beside != "" || res.Done != 1 {
		t.Fatalf("%+v", res)
	}
	copies, err := filepath.Glob(filepath.Join(d.job.Destination.Folder, "*", "index.html"))
	if err != nil || len(copies) != 1 {
		t.Fatalf("%v %v, want one page", copies, err)
	}
	page := func() string {
		text, err := os.ReadFile(copies[0])
		must(t, err)
		return string(text)
	}
	if p := page(); !strings.Contains(p, "Anna") || !strings.Contains(p, "Not yet") {
		t.Error("the page does not show the contact, or that it was not read back")
	}
	if res := d.verify(); res.Beside != "" || res.Done != 1 {
		t.Fatalf("%+v", res)
	}
	if p := page(); !strings.Contains(p, "Every byte of 1 file was read") {
		t.Error("the page does not say that the copy was read back")
	}

	// Somebody put a link where the pages go.
	export := filepath.Join(filepath.Dir(copies[0]), "export")
	must(t, os.RemoveAll(export))
	must(t, os.Symlink(t.TempDir(), export))
	must(t, os.Remove(copies[0]))
	must(t, os.WriteFile(filepath.Join(at, "ben.vcf"), []byte("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:b\r\nFN:Ben\r\nEND:VCARD\r\n"), 0o600))
	res := d.backup()
	if res.Done != 1 || !strings.Contains(res.Beside, "cannot write") {
		t.Errorf("%+v, want a finished copy that says why its pages are missing", res)
	}
}
