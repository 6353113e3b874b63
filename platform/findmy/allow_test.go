package findmy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const allowText = `{"version": 1, "implementers": [{"name": "org.clearance.FindMyDevice1.Acme", "uid": 992}]}`

func TestAllowFileOwnership(t *testing.T) {
	me := uint32(os.Geteuid())
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		good  bool
		spoil func(t *testing.T, base string)
	}{
		"as it should be":     {true, func(*testing.T, string) {}},
		"file writable":       {false, func(t *testing.T, b string) { must(t, os.Chmod(b+"/etc/clearance/f", 0o664)) }},
		"folder writable":     {false, func(t *testing.T, b string) { must(t, os.Chmod(b+"/etc/clearance", 0o775)) }},
		"folder above sticky": {false, func(t *testing.T, b string) { must(t, os.Chmod(b+"/etc", 0o777|os.ModeSticky)) }},
		"base writable":       {false, func(t *testing.T, b string) { must(t, os.Chmod(b, 0o757)) }},
		"folder is a link": {false, func(t *testing.T, b string) {
			must(t, os.Rename(b+"/etc/clearance", b+"/etc/real"))
			must(t, os.Symlink("real", b+"/etc/clearance"))
		}},
		"file is a link": {false, func(t *testing.T, b string) {
			must(t, os.Rename(b+"/etc/clearance/f", b+"/etc/clearance/g"))
			must(t, os.Symlink("g", b+"/etc/clearance/f"))
		}},
		"file is a pipe": {false, func(t *testing.T, b string) {
			must(t, os.Remove(b+"/etc/clearance/f"))
			must(t, unix.Mkfifo(b+"/etc/clearance/f", 0o644))
		}},
		"file is a folder": {false, func(t *testing.T, b string) {
			must(t, os.Remove(b+"/etc/clearance/f"))
			must(t, os.Mkdir(b+"/etc/clearance/f", 0o755))
		}},
		"file too large": {false, func(t *testing.T, b string) { must(t, os.Truncate(b+"/etc/clearance/f", maxAllowFile+1)) }},
		"file of another": {false, func(t *testing.T, b string) {
			if me != 0 {
				t.Skip("needs root")
			}
			must(t, os.Chown(b+"/etc/clearance/f", 12345, 0))
		}},
		"folder of another": {false, func(t *testing.T, b string) {
			if me != 0 {
				t.Skip("needs root")
			}
			must(t, os.Chown(b+"/etc", 12345, 0))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			must(t, os.Chmod(base, 0o755))
			must(t, os.MkdirAll(filepath.Join(base, "etc", "clearance"), 0o755))
			must(t, os.WriteFile(base+"/etc/clearance/f", []byte(allowText), 0o644))
			c.spoil(t, base)
			raw, err := readTrusted(base, "etc/clearance/f", me)
			if (err == nil) != c.good {
				t.Errorf("%q, %v", raw, err)
			}
		})
	}
	if list, err := ReadAllowFile("/etc/clearance-that-is-not-there/f"); list != nil || err != nil {
		t.Errorf("no file: %v, %v", list, err)
	}
	file := filepath.Join(t.TempDir(), "f") // in a folder that everybody can write to
	must(t, os.WriteFile(file, []byte(allowText), 0o644))
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
