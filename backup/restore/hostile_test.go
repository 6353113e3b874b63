package restore_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/restore"
)

// forge puts lines into items.jsonl, and whatever else the attacker changed, and
// makes the bag's own sums right again: whoever wrote the copy wrote those too.
func (w *copyWorld) forge(lines ...string) {
	w.t.Helper()
	must(w.t, os.WriteFile(w.bag()+"/items.jsonl", []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	w.retag()
}

func (w *copyWorld) retag() {
	w.t.Helper()
	tag := ""
	for _, name := range []string{"bagit.txt", "bag-info.txt", "manifest-sha256.txt", "items.jsonl", "failures.jsonl"} {
		text, err := os.ReadFile(w.bag() + "/" + name)
		must(w.t, err)
		tag += fmt.Sprintf("%x  %s\n", sha256.Sum256(text), name)
	}
	must(w.t, os.WriteFile(w.bag()+"/tagmanifest-sha256.txt", []byte(tag), 0o600))
}

// line is a forged line for the one file of a bag.
func line(fields string) string {
	if !strings.Contains(fields, `"path"`) {
		fields += `,"path":"data/photos/server/one.jpg"`
	}
	if !strings.Contains(fields, `"size"`) {
		fields += fmt.Sprintf(`,"size":%d`, len(sea))
	}
	if !strings.Contains(fields, `"dataset"`) {
		fields += `,"dataset":"photos"`
	}
	if !strings.Contains(fields, `"source"`) {
		fields += `,"source":"server:photos:"`
	}
	return fmt.Sprintf(`{%s,"sha256":"%x","state":"copied"}`, strings.TrimPrefix(fields, ","), sha256.Sum256([]byte(sea)))
}

func id(raw string) string {
	return `"id_base64":"` + base64.StdEncoding.EncodeToString([]byte(raw)) + `"`
}

func TestNothingThatAListSaysLeavesTheTarget(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, fields := range map[string]string{
		"up":               id("../../../up"),
		"root":             id("/etc/passwd"),
		"up in between":    id("a/../../../b"),
		"dots":             id("./.././..//"),
		"nothing":          id(""),
		"a zero":           id("a\x00b"),
		"a new line":       id("a\nb"),
		"an escape":        id("\x1b]0;evil\x07.jpg"),
		"turned text":      id("gpj.\u202eexe"),
		"not text":         id("\xff\xfe"),
		"a long name":      id(long),
		"a long path":      id(strings.Repeat("d/", 3000) + "f"),
		"our own folder":   id(".clearance-restore/lock"),
		"a hidden one":     id(".config/autostart/evil.desktop"),
		"dataset up":       `"dataset":"../../..",` + id("x"),
		"dataset unknown":  `"dataset":"secrets",` + id("x"),
		"no dataset":       `"dataset":"",` + id("x"),
		"source up":        `"source":"../../..",` + id("x"),
		"source zero":      `"source_base64":"AAo=",` + id("x"),
		"the name up":      `"name":"../../../name",` + id("x"),
		"size beyond all":  `"size":9223372036854775807,` + id("x"),
		"size wrong":       `"size":3,` + id("x"),
		"path up":          `"path":"data/../../../../etc/passwd",` + id("x"),
		"path of the bag":  `"path":"bag-info.txt",` + id("x"),
		"path of the lock": `"path":".clearance/lock",` + id("x"),
		"path a folder":    `"path":"data/photos",` + id("x"),
		"path a link":      `"path":"data/photos/link",` + id("x"),
		"path a pipe":      `"path":"data/photos/pipe",` + id("x"),
		"time long ago":    `"mtime":"0001-01-01T00:00:00Z",` + id("x"),
		"time far off":     `"mtime":"9999-12-31T23:59:59Z",` + id("x"),
		"no JSON":          `}{`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea})
			must(t, os.Symlink("/etc/hosts", w.bag()+"/data/photos/link"))
			makePipe(t, w.bag()+"/data/photos/pipe")
			must(t, os.WriteFile(w.dir+"/home/mine", []byte("mine"), 0o600))
			if name == "no JSON" {
				w.forge(line(id("one.jpg")), fields)
			} else {
				w.forge(line(id("one.jpg")), line(fields)) // an honest one, by which the source has paths
			}
			before := tree(t, w.dir+"/disk/copy/data/photos/server")
			r := w.restore(w.folder(), restore.Selection{}, restore.Options{})
			if r.All.Written+r.All.Failed+r.All.Already < 2 && r.Unreadable == 0 {
				t.Errorf("the line went unsaid: %+v", r)
			}
			for at := range tree(t, w.dir+"/home") {
				if at == "mine" {
					continue
				}
				inside := strings.Split(at, "/")
				if inside[0] != "restored" || len(inside) < 3 || strings.HasPrefix(inside[1], ".") {
					t.Errorf("%q was written", at)
				}
				for _, part := range inside {
					if strings.ContainsAny(part, "\x00\n\x1b\u202e") || len(part) > 255 {
						t.Errorf("the name %q", part)
					}
				}
			}
			for at, text := range tree(t, w.target()) {
				if text != sea {
					t.Errorf("%q holds %q", at, text)
				}
			}
			if again := w.restore(w.folder(), restore.Selection{}, restore.Options{}); again.All.Written != 0 {
				t.Errorf("the second time wrote %d", again.All.Written)
			}
			if len(before) != len(tree(t, w.dir+"/disk/copy/data/photos/server")) || len(tree(t, w.dir)) > 20 {
				t.Error("something else was written")
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(w.dir), "up")); err == nil {
				t.Error("it went up")
			}
		})
	}
}

func TestSumsThatDisagreeAreDamage(t *testing.T) {
	w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea}, thing{ref: photos, id: "two.jpg", text: hill})
	text, err := os.ReadFile(w.bag() + "/manifest-sha256.txt")
	must(t, err)
	// One file gets a second line, the other's is gone.
	var lines []string
	for l := range strings.Lines(string(text)) {
		if !strings.HasSuffix(l, "two.jpg\n") {
			lines = append(lines, l)
		}
	}
	lines = append(lines, strings.Repeat("0", 64)+"  data/photos/server/one.jpg\n")
	must(t, os.WriteFile(w.bag()+"/manifest-sha256.txt", []byte(strings.Join(lines, "")), 0o600))
	w.retag()
	r := w.restore(w.folder(), restore.Selection{}, restore.Options{})
	if r.Outcome != restore.Partial || r.All.Failed != 2 || len(tree(t, w.target())) != 0 || r.Lists != bag.ListsWhole {
		t.Errorf("%+v", r)
	}
	for _, f := range r.Failures {
		if f.Reason != restore.Unlisted {
			t.Errorf("%s: %s", f.ID, f.Reason)
		}
	}
}
