package hostile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/bag"
)

// FuzzReader reads a bag whose lists and journal somebody else wrote: none names
// a file outside, and what is opened is what lies in the bag.
func FuzzReader(f *testing.F) {
	sum := strings.Repeat("0a", 32)
	line := `{"dataset":"photos","id":"a","path":"data/x","size":1,"sha256":"` + sum + `","state":"copied"}`
	f.Add(sum+"  data/x\n", line+"\n", journal(line))
	f.Add(sum+"  ../outside/x\n", strings.ReplaceAll(line, "data/x", "data/../../x")+"\n", journal(`{"path":"data/y","state":"copied","temp":"manifest-sha256.txt"}`))
	f.Add("", "{\n\n\x00", "00000000 {}\n")
	dir := f.TempDir()
	b, err := bag.Create(dir, "copy", bag.Options{})
	must(f, err)
	must(f, b.Close())
	at := filepath.Join(dir, "copy")
	must(f, os.WriteFile(at+"/data/x", []byte("x"), 0o400))
	f.Fuzz(func(t *testing.T, manifest, items, waiting string) {
		for name, text := range map[string]string{"manifest-sha256.txt": manifest, "items.jsonl": items, ".clearance/journal": waiting} {
			must(t, os.WriteFile(filepath.Join(at, name), []byte(text), 0o600))
		}
		r, err := bag.OpenReader(t.Context(), at, bag.Options{})
		if err != nil {
			return
		}
		defer r.Close()
		for rec, err := range r.Records() {
			if err != nil {
				return
			}
			if !strings.HasPrefix(rec.Path, "data/") || !filepath.IsLocal(rec.Path) {
				t.Fatalf("an item lies at %q", rec.Path)
			}
			if in, err := r.Open(rec.Path); err == nil {
				must(t, in.Close())
			}
		}
	})
}
