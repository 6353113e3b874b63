package findmy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const allowText = `{"version": 1, "implementers": [{"name": "org.clearance.FindMyDevice1.Acme", "uid": 992}]}`

// Whose file counts is tested in platform/rootfile.
func TestAllowFileOwnership(t *testing.T) {
	if list, err := ReadAllowFile("/etc/clearance-that-is-not-there/f"); list != nil || err != nil {
		t.Errorf("no file: %v, %v", list, err)
	}
	file := filepath.Join(t.TempDir(), "f") // in a folder that everybody can write to
	if err := os.WriteFile(file, []byte(allowText), 0o644); err != nil {
		t.Fatal(err)
	}
	if list, err := ReadAllowFile(file); err == nil {
		t.Errorf("a file in a world-writable place: %v", list)
	}
}

func TestAllowFileContent(t *testing.T) {
	list, err := parseAllowed([]byte(allowText))
	if err != nil || !slices.Equal(list, []Allowed{{Prefix + "Acme", 992}}) {
		t.Errorf("%v, %v", list, err)
	}
	entry := func(s string) string { return fmt.Sprintf(`{"version":1,"implementers":[%s]}`, s) }
	for _, bad := range []string{
		"", "[]", "null", "{}", `{"version":2}`, allowText + "x", strings.Replace(allowText, "uid", "gid", 1),
		entry(`{"name":"org.clearance.FindMyDevice1.A"}`), entry(`{"name":"org.clearance.FindMyDevice1.A","uid":null}`),
		entry(`{"name":"org.clearance.FindMyDevice1.A","uid":-1}`), entry(`{"name":"org.clearance.FindMyDevice1.A","uid":"0"}`),
		entry(`{"name":"org.clearance.FindMyDevice1.A","uid":4294967296}`), entry(`{"name":"org.clearance.FindMyDevice1.A.B","uid":1}`),
		entry(`{"name":"org.clearance.FindMyDevice1.","uid":1}`), entry(`{"name":"org.example.A","uid":1}`),
	} {
		if list, err := parseAllowed([]byte(bad)); err == nil {
			t.Errorf("%s was read as %v", bad, list)
		}
	}
}

func FuzzAllowFile(f *testing.F) {
	f.Add([]byte(allowText))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := parseAllowed(raw)
		for _, a := range list {
			if err != nil || !validName(a.Name) {
				t.Errorf("%+v, %v", a, err)
			}
		}
	})
}
