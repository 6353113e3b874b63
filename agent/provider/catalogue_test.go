package provider_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/agent/provider"
)

var update = flag.Bool("update", false, "write testdata/list.golden anew")

func load(t *testing.T) *provider.Catalogue {
	t.Helper()
	c, err := provider.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestList holds the built-in catalogue to a list that a reviewer can read: a
// fact that changes its confidence, or a tracker its answer, shows up here.
func TestList(t *testing.T) {
	var b strings.Builder
	for _, p := range load(t).List() {
		b.WriteString(summary(p))
	}
	golden := filepath.Join("testdata", "list.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the catalogue differs from %s (go test -update writes it):\n%s", golden, diff)
	}
}

func summary(p provider.Profile) string {
	var b strings.Builder
	known := "unknown"
	if p.Known {
		known = "known"
	}
	b.WriteString(p.ID + " (" + p.Name + ") " + known + ", goa: " + strings.Join(p.GOATypes, " ") + "\n")
	b.WriteString("  tracker " + string(p.Tracker.Runs) + " " + string(p.Tracker.Confidence) + "\n")
	for _, f := range p.Facts {
		b.WriteString("  " + string(f.Confidence) + " " + f.ID + "\n")
	}
	for _, d := range p.Data {
		set := string(d.Dataset)
		if d.Dataset == provider.Uncovered {
			set = "not covered"
		}
		b.WriteString("  data " + d.ID + ": " + set + "\n")
	}
	for _, d := range p.Deletion {
		b.WriteString("  delete " + d.ID + ": " + string(d.Needs) + " " + d.URL + "\n")
	}
	return b.String()
}

func TestForGOA(t *testing.T) {
	c := load(t)
	for goa, want := range map[string]string{
		"owncloud": "nextcloud", "google": "google", "ms_graph": "microsoft", "exchange": "microsoft",
		"imap_smtp": "", "kerberos": "", "media_server": "", "": "",
	} {
		p, ok := c.ForGOA(goa)
		if p.ID != want || ok != (want != "") {
			t.Errorf("ForGOA(%q) = %q, %v, want %q", goa, p.ID, ok, want)
		}
	}
}

func TestForHostAndDomain(t *testing.T) {
	c := load(t)
	for host, want := range map[string]string{
		"i.mi.com": "xiaomi", "EU.I.MI.COM.": "xiaomi", "mi.com": "xiaomi",
		"notmi.com": "", "mi.com.example.org": "", "cloud.example.org": "", "": "",
	} {
		if p, ok := c.ForHost(host); p.ID != want || ok != (want != "") {
			t.Errorf("ForHost(%q) = %q, %v, want %q", host, p.ID, ok, want)
		}
	}
	if p, ok := c.ForDomain("GMail.com"); !ok || p.ID != "google" {
		t.Errorf("ForDomain(GMail.com) = %q, %v", p.ID, ok)
	}
	if p, ok := c.ForDomain("mail.gmail.com"); ok {
		t.Errorf("ForDomain(mail.gmail.com) = %q: an account domain is exact", p.ID)
	}
}

// TestNotKnown holds every way of not knowing a provider to the same answer.
func TestNotKnown(t *testing.T) {
	c := load(t)
	for _, id := range []string{"oneplus", "oppo", "no-such-company", ""} {
		p := c.Lookup(id)
		if p.Known || p.RunsNoTracker() || p.Tracker.Runs != provider.RunsUnknown || len(p.Deletion) != 0 {
			t.Errorf("Lookup(%q) claims to know: %+v", id, p)
		}
		if p.ID != id {
			t.Errorf("Lookup(%q).ID = %q", id, p.ID)
		}
	}
}

// TestRelied shows that only a fact of confidence H is relied upon.
func TestRelied(t *testing.T) {
	for _, p := range load(t).List() {
		for _, f := range p.Relied() {
			if f.Confidence != provider.High {
				t.Errorf("%s: %s has confidence %s and is relied on", p.ID, f.ID, f.Confidence)
			}
		}
	}
	p := load(t).Lookup("nextcloud")
	if !p.RunsNoTracker() {
		t.Fatal("nextcloud runs no tracker, by a fact of confidence H")
	}
	p.Tracker.Confidence = provider.Medium
	if p.RunsNoTracker() {
		t.Error("relied on a tracker statement of confidence M")
	}
	p = load(t).Lookup("nextcloud")
	p.Facts = []provider.Fact{{ID: "no-tracker", Text: "x", Source: "y", Confidence: provider.Medium}}
	if p.RunsNoTracker() {
		t.Error("relied on a fact of confidence M")
	}
	if load(t).Lookup("xiaomi").RunsNoTracker() {
		t.Error("xiaomi runs a tracker")
	}
}

func TestPathAt(t *testing.T) {
	c := load(t)
	own, _ := c.Lookup("nextcloud").Path("personal-settings")
	for server, want := range map[string]string{
		"https://cloud.example":      "https://cloud.example/settings/user/drop_account",
		"https://cloud.example/sub/": "https://cloud.example/sub/settings/user/drop_account",
		"":                           "",
	} {
		if got := own.At(server); got != want {
			t.Errorf("At(%q) = %q, want %q", server, got, want)
		}
	}
	web, ok := c.Lookup("xiaomi").Path("website")
	if got := web.At("https://other.example"); !ok || got != "https://account.xiaomi.com/pass/del" {
		t.Errorf("At = %q, %v", got, ok)
	}
	if _, ok := c.Lookup("xiaomi").Path("none"); ok {
		t.Error("found a path that is not there")
	}
}

func TestOverride(t *testing.T) {
	c, err := provider.Load(fstest.MapFS{
		"README":         {Data: []byte("not a profile")},
		"nextcloud.json": {Data: edit(t, "nextcloud", func(m map[string]any) { m["name"] = "Our cloud" })},
		"acme.json":      {Data: edit(t, "oppo", func(m map[string]any) { m["id"], m["name"] = "acme", "Acme" })},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Lookup("nextcloud").Name; got != "Our cloud" {
		t.Errorf("name = %q, want the override's", got)
	}
	if got := c.Lookup("acme").Name; got != "Acme" {
		t.Errorf("name = %q, want the added one", got)
	}
	if !c.Lookup("xiaomi").Known {
		t.Error("a profile that was not overridden is gone")
	}
}

// edit returns a built-in file with one change.
func edit(t *testing.T, id string, change func(map[string]any)) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("catalogue", id+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	change(m)
	if raw, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestWords keeps the project's own words out of what a person reads.
func TestWords(t *testing.T) {
	own := regexp.MustCompile(`(?i)\b(bag|binding|dataset|departure|epoch|evidence|fate|grant|ledger|receipt|roster|seal|unbind|unbound)`)
	files, err := filepath.Glob("catalogue/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(raw), "\n") {
			_, text, _ := strings.Cut(line, `": `)
			if word := own.FindString(text); word != "" {
				t.Errorf("%s says %q:%s", file, word, line)
			}
		}
	}
}
