package verify_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/verify"
)

// victim is a copy that can be damaged and mended.
type victim struct {
	id, path, line string // line is the file's in the manifest
	content        []byte
	mtime          time.Time
}

func victims(t testing.TB, b *bag.Bag, l *ledger.Ledger) []*victim {
	t.Helper()
	var vs []*victim
	for e, err := range l.All() {
		must(t, err)
		v := &victim{id: e.ID, path: filepath.Join(b.Path(), e.Path), line: fmt.Sprintf("%x  %s\n", e.SHA256, e.Path)}
		v.content, err = os.ReadFile(v.path)
		must(t, err)
		st, err := os.Stat(v.path)
		must(t, err)
		v.mtime = st.ModTime()
		vs = append(vs, v)
	}
	slices.SortFunc(vs, func(a, b *victim) int { return cmp.Compare(a.id, b.id) })
	return vs
}

// write puts other bytes in the place of a copy, its time as it was.
func (v *victim) write(content []byte) error {
	if err := os.RemoveAll(v.path); err != nil {
		return err
	}
	if err := os.WriteFile(v.path, content, 0o400); err != nil {
		return err
	}
	return os.Chtimes(v.path, v.mtime, v.mtime)
}

// damages are what can befall a copy; each says what verify must call it. Those
// that need more bytes than there are do nothing and say "".
var damages = map[string]func(t *rapid.T, v, other *victim) (verify.Status, error){
	"bit": func(t *rapid.T, v, _ *victim) (verify.Status, error) {
		b := bytes.Clone(v.content)
		b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		return verify.Damaged, v.write(b)
	},
	"cut": func(t *rapid.T, v, _ *victim) (verify.Status, error) {
		return verify.Damaged, v.write(v.content[:rapid.IntRange(0, len(v.content)-1).Draw(t, "to")])
	},
	"more": func(t *rapid.T, v, _ *victim) (verify.Status, error) {
		return verify.Damaged, v.write(append(bytes.Clone(v.content), make([]byte, rapid.IntRange(1, 9000).Draw(t, "by"))...))
	},
	"page of zeros": func(_ *rapid.T, v, _ *victim) (verify.Status, error) {
		b := bytes.Clone(v.content)
		clear(b[:min(4096, len(b))])
		return verify.Damaged, v.write(b)
	},
	"another's bytes": func(_ *rapid.T, v, other *victim) (verify.Status, error) {
		return verify.Damaged, v.write(other.content)
	},
	"deleted": func(_ *rapid.T, v, _ *victim) (verify.Status, error) {
		return verify.Missing, os.Remove(v.path)
	},
	"deleted with its line": func(_ *rapid.T, v, _ *victim) (verify.Status, error) {
		return verify.Missing, cmp.Or(os.Remove(v.path), v.unlist())
	},
	"a folder": func(_ *rapid.T, v, _ *victim) (verify.Status, error) {
		return verify.Damaged, cmp.Or(os.Remove(v.path), os.Mkdir(v.path, 0o700))
	},
	"a link to the right bytes": func(_ *rapid.T, v, _ *victim) (verify.Status, error) {
		return verify.Damaged, cmp.Or(os.Rename(v.path, v.path+"~"), os.Symlink(filepath.Base(v.path)+"~", v.path))
	},
}

func (v *victim) manifest() string {
	at := filepath.Dir(v.path)
	for filepath.Base(at) != "data" {
		at = filepath.Dir(at)
	}
	return filepath.Join(filepath.Dir(at), "manifest-sha256.txt")
}

func (v *victim) unlist() error {
	text, err := os.ReadFile(v.manifest())
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(v.line)) {
		return fmt.Errorf("the manifest has no line %q", v.line)
	}
	return os.WriteFile(v.manifest(), bytes.Replace(text, []byte(v.line), nil, 1), 0o600)
}

// Whatever befalls copies, each is named, and no other. The long run of this is
// the campaign's.
func TestAnyDamageIsFoundByName(t *testing.T) {
	b, l := copies(t, 16, bag.Options{})
	vs := victims(t, b, l)
	names := slices.Sorted(maps.Keys(damages))
	manifest, err := os.ReadFile(vs[0].manifest())
	must(t, err)
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]verify.Status{}
		picked := rapid.SliceOfNDistinct(rapid.IntRange(0, len(vs)-1), 1, 5, rapid.ID).Draw(t, "items")
		defer func() {
			for _, n := range picked {
				_ = os.Remove(vs[n].path + "~")
				if err := vs[n].write(vs[n].content); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(vs[0].manifest(), manifest, 0o600); err != nil {
				t.Fatal(err)
			}
		}()
		for _, n := range picked {
			v, name := vs[n], rapid.SampledFrom(names).Draw(t, "damage")
			status, err := damages[name](t, v, vs[(n+1)%len(vs)])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want[v.id] = status
		}
		r, err := verify.Run(t.Context(), b, l, verify.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]verify.Status{}
		for _, p := range r.Problems {
			got[p.ID] = p.Status
		}
		if d := gocmp.Diff(want, got); d != "" || r.Whole() || r.OK != len(vs)-len(want) {
			t.Fatalf("%d ok: %s", r.OK, d)
		}
	})
}

// A whole and valid bag of an earlier day in the place of the copy.
func TestAnOlderBagInItsPlace(t *testing.T) {
	b, l := copies(t, 10, bag.Options{})
	older := t.TempDir()
	must(t, os.CopyFS(older, os.DirFS(b.Path())))
	records := add(t, b, 10, 14)
	for _, r := range records {
		must(t, l.Put(&ledger.Entry{Key: r.Key, Size: r.Size, SHA256: r.SHA256, Path: r.Path}))
	}
	if r := run(t, b, l, verify.Options{}); !r.Whole() || r.OK != 14 {
		t.Fatalf("%+v", r)
	}
	at := b.Path()
	must(t, b.Close())
	must(t, os.RemoveAll(at))
	must(t, os.CopyFS(at, os.DirFS(older)))
	b, err := bag.Open(at, bag.Options{})
	must(t, err)
	defer b.Close()
	if s, err := verify.CopyStats(t.Context(), b, l); err != nil || s.Missing != 4 || s.Differ != 10 || s.Sound() {
		t.Errorf("at a glance: %+v %v", s, err)
	}
	r := run(t, b, l, verify.Options{OnlyNew: true})
	var missing []string
	for _, p := range r.Problems {
		missing = append(missing, p.ID)
		if p.Status != verify.Missing {
			t.Errorf("%s is %s: %v", p.ID, p.Status, p.Err)
		}
	}
	slices.Sort(missing)
	if d := gocmp.Diff([]string{"10", "11", "12", "13"}, missing); d != "" || r.OK != 10 || r.Skipped != 0 {
		t.Errorf("%d read again, missing: %s", r.OK, d)
	}
}
