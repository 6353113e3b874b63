package tasks

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/dataset"
)

// program is a program on this device, with stores of one file each.
type program struct {
	mu     sync.Mutex
	stores []dataset.Store
	err    error
}

func (p *program) Name() string { return "program" }

func (p *program) Find(context.Context) ([]dataset.Store, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stores, p.err
}

// holds adds a store that is one file.
func (p *program) holds(id, at string, who binding.Who, goes bool) *dataset.Store {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stores = append(p.stores, dataset.Store{ID: departure.SourceID("program:" + id), Dataset: departure.Contacts, Name: id, Who: who, Goes: goes,
		Watched: []string{at}, Folder: filepath.Dir(at),
		List: func(_ context.Context, ref source.Ref, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
			return func(yield func(source.Item, error) bool) {
				raw, err := os.ReadFile(at)
				if err != nil {
					yield(source.Item{}, &source.Incomplete{Ref: ref, Err: err})
					return
				}
				yield(source.Item{Key: source.Key{Ref: ref, ID: "one"}, Rev: string(raw), Size: int64(len(raw)), Ext: ".vcf",
					Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(raw))), nil }}, nil)
			}
		}})
	return &p.stores[len(p.stores)-1]
}

const oneCard = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:One\r\nN:;One;;;\r\nEND:VCARD\r\n"

// storesDesk is a desk that leaves alice@cloud.example, with a program.
func storesDesk(t *testing.T) (*desk, *program, string) {
	d := newDesk(t)
	p := &program{}
	d.Worker.cfg.Finders = []dataset.Finder{p}
	d.Worker.cfg.Provider = func(kind, word, host string) (string, bool) {
		if host == "www.googleapis.com" {
			return "google", true
		}
		return provider(kind, word, host)
	}
	d.declared(nil)
	d.job.Departure.Account = departure.Account{ID: "a", Provider: "nextcloud", Identity: "alice@cloud.example", Name: "alice", Declared: true}
	return d, p, d.folder("program", map[string]string{"book": oneCard})
}

// TestWhoseStores: what is of the account, or may be, is listed with what
// becomes of it; this device's own only where it counts; somebody else's never.
func TestWhoseStores(t *testing.T) {
	d, p, at := storesDesk(t)
	file := filepath.Join(at, "book")
	dav := func(user, host string) binding.Who { return binding.Who{Type: "carddav", User: user, Host: host} }
	p.holds("own", file, binding.Who{}, false)
	p.holds("synced", file, dav("alice", "cloud.example"), true)
	p.holds("kept", file, dav("alice", "cloud.example"), false)
	p.holds("bob's", file, dav("bob", "cloud.example"), true)
	p.holds("google's", file, dav("alice@cloud.example", "www.googleapis.com"), true)
	p.holds("unclear", file, dav("", "cloud.example"), false)
	p.holds("made", file, dav("alice", "cloud.example"), true).Derived = true
	broken := p.holds("broken", file, dav("alice", "cloud.example"), true)
	broken.List, broken.Why = nil, departure.Reason{Code: "damaged", Text: "it is damaged"}
	p.holds("silent", file, dav("alice", "cloud.example"), true).List = nil

	type row struct {
		fate      departure.Fate
		ofAccount bool
		complete  bool
	}
	want := map[string]row{
		"synced": {departure.Leaves, true, true}, "kept": {departure.Stays, true, true},
		"unclear, which may be of this account": {departure.Leaves, true, true},
		"broken":                                {departure.Leaves, true, false}, "silent": {departure.Leaves, true, false},
	}
	check := func() {
		t.Helper()
		got := map[string]row{}
		for _, l := range d.look().Listings {
			got[l.Source.Name] = row{l.Source.Fate, l.Source.OfAccount, l.Complete}
			if !l.Complete && l.Why.Text == "" {
				t.Errorf("%s is not listed, and nobody says why", l.Source.Name)
			}
		}
		for name, r := range want {
			if got[name] != r {
				t.Errorf("%s: %+v, want %+v", name, got[name], r)
			}
			delete(got, name)
		}
		if len(got) > 0 {
			t.Errorf("also listed: %v", got)
		}
	}
	check()
	again := p.holds("kept", file, dav("alice", "cloud.example"), false)
	again.Name, again.Folder = "kept elsewhere", filepath.Join(at, "elsewhere")
	want["kept elsewhere"] = want["kept"]
	ids := map[departure.SourceID]bool{}
	for _, l := range d.look().Listings {
		if ids[l.Source.ID] {
			t.Errorf("two sources are %s", l.Source.ID)
		}
		ids[l.Source.ID] = true
	}
	want["own"] = row{departure.Stays, false, true}
	d.job.Departure.Fate = departure.WipedDevice
	check()

	s, err := d.survey(t.Context(), d.job)
	must(t, err)
	rs, err := s.reserved(t.Context())
	must(t, errors.Join(err, s.close(t.Context())))
	if len(rs) != 7 || rs[0].path != at {
		t.Errorf("no copy may lie in %v", rs)
	}
}

// TestStoresThatCannotBeFound: then nobody knows what is there.
func TestStoresThatCannotBeFound(t *testing.T) {
	d, p, _ := storesDesk(t)
	p.err = errors.New("it is locked")
	if l := d.look(); l.Complete || !strings.Contains(l.Why.Text, "it is locked") {
		t.Errorf("the look: %v %+v", l.Complete, l.Why)
	}
	if err := d.Watch(t.Context(), d.job, func(departure.SourceID) {}); err == nil {
		t.Error("it is watched, and nobody knows what")
	}
}

// TestStoreFromCopyToSeal: a change of a store is told before a fence ends, what
// its program writes beside it is none, and a store that comes later is seen.
func TestStoreFromCopyToSeal(t *testing.T) {
	d, p, at := storesDesk(t)
	p.holds("synced", filepath.Join(at, "book"), binding.Who{Type: "owncloud", User: "alice", Host: "cloud.example"}, true)
	var mu sync.Mutex
	told := map[departure.SourceID]int{}
	must(t, d.Watch(t.Context(), d.job, func(id departure.SourceID) {
		mu.Lock()
		defer mu.Unlock()
		told[id]++
	}))
	fence := func() map[departure.SourceID]int {
		t.Helper()
		must(t, d.Fence(t.Context(), d.job, d.look()))
		mu.Lock()
		defer mu.Unlock()
		seen := told
		told = map[departure.SourceID]int{}
		return seen
	}
	if res := d.backup(); res.Done != 1 {
		t.Fatalf("copied: %+v", res)
	}
	d.job.Known = []departure.KnownSource{{Source: departure.Source{ID: "program:synced", Fate: departure.Leaves, OfAccount: true}, Items: 1}}
	page, err := d.Items(t.Context(), d.job, engine.ItemFilter{})
	must(t, err)
	if len(page.Items) != 1 || page.Items[0].Fate != departure.Leaves || !page.Items[0].OfAccount {
		t.Errorf("items: %+v", page.Items)
	}
	sealed, err := d.Seal(t.Context(), d.job, quiet)
	must(t, err)
	if len(sealed.Rows) != 1 || !sealed.Rows[0].Intact {
		t.Fatalf("sealed: %+v", sealed)
	}
	d.job.Sealed = sealed.Rows

	// The stamp of the file has rested: what lies beside it does not count.
	eventually(t, "quiet", func() bool {
		s := readStamp(filepath.Join(at, "book"))
		return !s.young(d.now())
	})
	fence()
	must(t, os.WriteFile(filepath.Join(at, "prefs.js"), []byte("1"), 0o600))
	if seen := fence(); len(seen) != 0 {
		t.Errorf("a file beside the store counts: %v", seen)
	}
	must(t, os.WriteFile(filepath.Join(at, "book"), []byte(strings.ReplaceAll(oneCard, "One", "Two")), 0o600))
	if seen := fence(); seen["program:synced"] == 0 {
		t.Errorf("the fence ended before the change was told: %v", seen)
	}
	must(t, os.WriteFile(filepath.Join(at, "book-wal"), []byte("1"), 0o600))
	if seen := fence(); seen["program:synced"] == 0 {
		t.Errorf("a log beside the database is no change: %v", seen)
	}
	if moved := d.sweep(); len(moved) != 1 || moved[0].Source != "program:synced" {
		t.Errorf("moved: %v", moved)
	}

	p.holds("later", filepath.Join(d.folder("later", map[string]string{"book": oneCard}), "book"), binding.Who{Type: "owncloud", User: "alice", Host: "cloud.example"}, true)
	if seen := fence(); seen[""] == 0 {
		t.Errorf("a store that came was not told: %v", seen)
	}
	if seen := fence(); seen[""] != 0 {
		t.Errorf("it is told again: %v", seen)
	}
}
