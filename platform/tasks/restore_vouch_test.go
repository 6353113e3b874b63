package tasks

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// otherID writes another id into the copy, as somebody does who can write it, and
// makes its own sums right.
func (d *desk) otherID(at string) {
	d.t.Helper()
	info, err := os.ReadFile(at + "/bag-info.txt")
	must(d.t, err)
	id := info[strings.Index(string(info), "clearance:"):]
	changed := strings.Replace(string(info), strings.Fields(string(id))[0], "clearance:"+strings.Repeat("5", 32), 1)
	must(d.t, os.WriteFile(at+"/bag-info.txt", []byte(changed), 0o600))
	d.retag(at)
}

func (d *desk) retag(at string) {
	d.t.Helper()
	tags, err := os.ReadFile(at + "/tagmanifest-sha256.txt")
	must(d.t, err)
	var out strings.Builder
	for line := range strings.Lines(string(tags)) {
		_, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		text, err := os.ReadFile(filepath.Join(at, name))
		must(d.t, err)
		fmt.Fprintf(&out, "%x  %s\n", sha256.Sum256(text), name)
	}
	must(d.t, os.WriteFile(at+"/tagmanifest-sha256.txt", []byte(out.String()), 0o600))
}

// takeOut takes a photo out of the copy with every line that speaks of it.
func (d *desk) takeOut(at, path string) {
	d.t.Helper()
	must(d.t, os.Remove(at+"/"+path))
	for _, name := range []string{"/manifest-sha256.txt", "/items.jsonl"} {
		text, err := os.ReadFile(at + name)
		must(d.t, err)
		var out strings.Builder
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(line, path) {
				out.WriteString(line)
			}
		}
		must(d.t, os.WriteFile(at+name, []byte(out.String()), 0o600))
	}
	d.retag(at)
}

func says(warnings []string, what string) bool {
	return strings.Contains(strings.Join(warnings, "\n"), what)
}

// TestAnotherIDDoesNotFreeACopyOfThisDevicesList: the photo that somebody took
// out is missed, wherever the copy lies and whatever it calls itself.
func TestAnotherIDDoesNotFreeACopyOfThisDevicesList(t *testing.T) {
	d := newDesk(t)
	d.declared(map[departure.Dataset]string{departure.Photos: d.folder("album", map[string]string{"a.jpg": "a", "b.jpg": "b", "c.jpg": "c"})})
	eventually(t, "all in the copy", func() bool { d.backup(); return d.look().Copy.Items == 3 })
	at := d.copyAt()
	var photo string
	must(t, filepath.WalkDir(at+"/data/photos", func(p string, e os.DirEntry, err error) error {
		if err == nil && e.Name() == "b.jpg" {
			photo, err = filepath.Rel(at, p)
		}
		return err
	}))
	d.otherID(at)
	d.takeOut(at, photo)
	known := []engine.KnownCopy{{Account: d.job.Departure.Account, Destination: d.job.Destination}}
	dry := engine.RestoreRequest{DryRun: true, To: engine.RestoreTarget{Kind: engine.ToFolder, Path: filepath.Join(d.session.Home, "back")}}
	restore := func(from string, known []engine.KnownCopy) engine.RestoreReport {
		t.Helper()
		req := dry
		req.From = from
		out, err := d.Restore(t.Context(), engine.RestoreTask{RestoreRequest: req, Known: known}, quiet)
		must(t, err)
		return out
	}
	for _, from := range []string{"", at} {
		out := restore(from, known)
		if out.Outcome != engine.RestorePartial || out.Proof != "ledger" || len(out.Failed) != 1 || !says(out.Warnings, "it is another one") {
			t.Errorf("from %q: %+v", from, out)
		}
	}
	// Elsewhere it may be somebody's own: the list vouches for what it has.
	away := filepath.Join(d.session.Home, "elsewhere")
	must(t, os.Rename(at, away))
	out := restore(away, known)
	if out.Outcome != engine.RestoreComplete || out.Proof != "ledger" || sum(out, func(s engine.RestoreTally) int64 { return s.Unproven }) != 0 || !says(out.Warnings, "1 more that this device copied elsewhere") {
		t.Errorf("%+v", out)
	}
	// One that has nothing of it is taken by its folder alone, and it is said.
	must(t, os.Rename(away, at))
	lines, err := os.ReadFile(at + "/items.jsonl")
	must(t, err)
	must(t, os.WriteFile(at+"/items.jsonl", []byte(strings.ReplaceAll(string(lines), `"id":"`, `"id":"x`)), 0o600))
	d.retag(at)
	_, err = d.Restore(t.Context(), engine.RestoreTask{RestoreRequest: dry, Known: known}, quiet)
	var blocked *engine.BlockedError
	if !errors.As(err, &blocked) || blocked.Why.Code != "other-copy" {
		t.Errorf("%v", err)
	}
	out = restore(at, known)
	if out.Proof != "manifest" || sum(out, func(s engine.RestoreTally) int64 { return s.Unproven }) != 2 || !says(out.Warnings, "nothing outside the copy vouches for it") || !says(out.Warnings, "this is none of them") {
		t.Errorf("%+v", out)
	}
}

// TestADrillInTheCopyMakesNothingThere: nor where it would only look like another
// place.
func TestADrillInTheCopyMakesNothingThere(t *testing.T) {
	d := newDesk(t)
	d.declared(map[departure.Dataset]string{departure.Photos: d.folder("album", map[string]string{"a.jpg": "a"})})
	eventually(t, "all in the copy", func() bool { d.backup(); return d.look().Copy.Items == 1 })
	at := d.copyAt()
	must(t, os.Symlink(at+"/data", d.session.Home+"/elsewhere"))
	stamp := func(dir string) string {
		st, err := os.Stat(dir)
		must(t, err)
		return st.ModTime().String()
	}
	before := stamp(at) + stamp(at+"/data")
	for _, to := range []string{at, at + "/data", d.session.Home + "/elsewhere"} {
		_, err := d.Restore(t.Context(), engine.RestoreTask{RestoreRequest: engine.RestoreRequest{From: at, Drill: true, To: engine.RestoreTarget{Kind: engine.ToFolder, Path: to}}}, quiet)
		var refused *engine.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(refused.Text, "in the copy itself") {
			t.Errorf("%s: %v", to, err)
		}
	}
	if stamp(at)+stamp(at+"/data") != before {
		t.Error("a folder was made in the copy")
	}
}

// TestLinesThatCannotBeReadAreToldOf: by the next that opens the copy to write,
// be it only to read it back.
func TestLinesThatCannotBeReadAreToldOf(t *testing.T) {
	d := newDesk(t)
	d.declared(map[departure.Dataset]string{departure.Photos: d.folder("album", map[string]string{"a.jpg": "a"})})
	eventually(t, "all in the copy", func() bool { d.backup(); return d.look().Copy.Items == 1 })
	must(t, os.WriteFile(d.copyAt()+"/.clearance/journal", []byte("no line of ours\n"), 0o600))
	d.look() // opens the copy
	if res := d.verify(); !strings.Contains(res.Mended, "lines that it had not worked off yet cannot be read (1)") {
		t.Errorf("%+v", res)
	}
	if res := d.verify(); res.Mended != "" {
		t.Errorf("told again: %+v", res)
	}
}
