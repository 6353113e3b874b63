package provider

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxText = 1000 // bytes of one text
	maxList = 100  // entries of one list
)

var (
	idShape   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	goaShape  = regexp.MustCompile(`^[a-z0-9_]{1,40}$`)
	hostShape = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
	urlShape  = regexp.MustCompile(`^https://[^/?#@\s]+([/?#]\S*)?$`)
)

// validate checks one profile on its own and returns every fault that it finds.
func (p Profile) validate() error {
	v := &validator{facts: map[string]Fact{}}
	v.id("id", p.ID)
	v.text("name", p.Name)
	v.all("goa_types", p.GOATypes, goaShape)
	v.all("hosts", p.Hosts, hostShape)
	v.all("domains", p.Domains, hostShape)
	v.checkFacts(p.Facts)
	v.checkData(p.Data)
	v.statements("consequences", p.Consequences)
	v.statements("records", p.Records)
	v.statements("blockers", p.Blockers)
	v.checkSeparate(p)
	v.checkTracker(p.Tracker)
	v.guide("devices", p.Devices)
	v.checkDeletion(p.Deletion)
	v.refs("processing", p.Processing)
	v.checkPhotoFolders(p.PhotoFolders)
	v.checkKnown(p)
	return errors.Join(v.faults...)
}

// validator collects faults, and the facts that other fields may name.
type validator struct {
	facts  map[string]Fact
	faults []error
}

func (v *validator) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Errorf(format, args...))
}

func (v *validator) id(field, id string) {
	if len(id) > 60 || !idShape.MatchString(id) {
		v.fault("%s: %q is not a lower-case-id", field, id)
	}
}

// ids checks the ids of a list and that none stands there twice.
func (v *validator) ids(field string, ids []string) {
	if len(ids) > maxList {
		v.fault("%s: more than %d entries", field, maxList)
		return
	}
	for i, id := range ids {
		v.id(field, id)
		if slices.Contains(ids[:i], id) {
			v.fault("%s: %q is there twice", field, id)
		}
	}
}

// text wants something that a terminal can show: UTF-8 without control
// characters or characters that change the direction of writing.
func (v *validator) text(field, s string) {
	switch {
	case strings.TrimSpace(s) == "":
		v.fault("%s is missing", field)
	case len(s) > maxText:
		v.fault("%s is longer than %d bytes", field, maxText)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		v.fault("%s holds characters that cannot be shown", field)
	}
}

func (v *validator) texts(field string, list []string) {
	if len(list) > maxList {
		v.fault("%s: more than %d entries", field, maxList)
		return
	}
	for _, s := range list {
		v.text(field, s)
	}
}

func (v *validator) all(field string, list []string, shape *regexp.Regexp) {
	v.texts(field, list)
	for _, s := range list {
		if !shape.MatchString(s) {
			v.fault("%s: %q is not one", field, s)
		}
	}
}

// refs wants every id to name a fact of this profile.
func (v *validator) refs(field string, ids []string) {
	for _, id := range ids {
		if _, ok := v.facts[id]; !ok {
			v.fault("%s: no fact %q", field, id)
		}
	}
}

func (v *validator) confidence(field string, c Confidence) {
	if !slices.Contains([]Confidence{High, Medium, Low}, c) {
		v.fault("%s: confidence is %q, want H, M or L", field, c)
	}
}

func (v *validator) checkFacts(facts []Fact) {
	ids := make([]string, 0, len(facts))
	for _, f := range facts {
		ids = append(ids, f.ID)
		field := "facts." + f.ID
		v.text(field+".text", f.Text)
		v.text(field+".source", f.Source)
		v.confidence(field, f.Confidence)
		v.facts[f.ID] = f
	}
	v.ids("facts", ids)
}

func (v *validator) checkData(data []DataClass) {
	ids := make([]string, 0, len(data))
	known := []Dataset{Uncovered, Photos, Contacts, Notes, Calendars, Files}
	for _, d := range data {
		ids = append(ids, d.ID)
		field := "data." + d.ID
		v.text(field+".name", d.Name)
		v.text(field+".after", d.After)
		v.text(field+".where", d.Where)
		v.refs(field, d.Facts)
		if !slices.Contains(known, d.Dataset) {
			v.fault("%s: no dataset %q", field, d.Dataset)
		}
	}
	v.ids("data", ids)
}

func (v *validator) statements(field string, list []Statement) {
	ids := make([]string, 0, len(list))
	for _, s := range list {
		ids = append(ids, s.ID)
		v.text(field+"."+s.ID, s.Text)
		v.refs(field+"."+s.ID, s.Facts)
	}
	v.ids(field, ids)
}

func (v *validator) checkSeparate(p Profile) {
	ids := make([]string, 0, len(p.Separate))
	for _, s := range p.Separate {
		ids = append(ids, s.Provider)
		v.text("separate."+s.Provider, s.Text)
		if s.Provider == p.ID {
			v.fault("separate: names the provider itself")
		}
	}
	v.ids("separate", ids)
}

func (v *validator) checkTracker(t Tracker) {
	v.confidence("tracker", t.Confidence)
	v.refs("tracker", t.Facts)
	v.guide("tracker.guide", t.Guide)
	switch t.Runs {
	case RunsYes:
		if t.Guide == nil {
			v.fault("tracker: a provider that runs one needs a guide to switch it off")
		}
	case RunsNo:
		p := Profile{Facts: slices.Collect(maps.Values(v.facts)), Tracker: t}
		if !p.RunsNoTracker() {
			v.fault("tracker: \"no\" needs a fact of confidence H")
		}
	case RunsUnknown:
	default:
		v.fault("tracker: runs_tracker is %q, want yes, no or unknown", t.Runs)
	}
}

func (v *validator) guide(field string, g *Guide) {
	if g == nil {
		return
	}
	v.text(field+".title", g.Title)
	v.texts(field+".steps", g.Steps)
	v.refs(field, g.Facts)
	if len(g.Steps) == 0 {
		v.fault("%s.steps is missing", field)
	}
}

func (v *validator) checkDeletion(paths []Path) {
	ids := make([]string, 0, len(paths))
	for _, p := range paths {
		ids = append(ids, p.ID)
		field := "deletion." + p.ID
		v.text(field+".title", p.Title)
		v.texts(field+".steps", p.Steps)
		v.refs(field, p.Facts)
		if p.URL == "" && len(p.Steps) == 0 {
			v.fault("%s: neither url nor steps", field)
		}
		if p.URL != "" && !webPage(p.URL) {
			v.fault("%s: url %q is not https", field, p.URL)
		}
		if !slices.Contains([]Needs{SignedInHere, Web, AskAdmin}, p.Needs) {
			v.fault("%s: needs is %q, want signed-in-here, web or ask-admin", field, p.Needs)
		}
	}
	v.ids("deletion", ids)
}

// webPage reports whether raw is an https page, with {server} standing for an
// https server.
func webPage(raw string) bool {
	if rest, own := strings.CutPrefix(raw, serverMark); own {
		raw = "https://server.invalid" + rest
		if !strings.HasPrefix(rest, "/") {
			return false
		}
	}
	u, err := url.Parse(raw)
	return urlShape.MatchString(raw) && err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && len(raw) <= maxText
}

func (v *validator) checkPhotoFolders(folders []string) {
	v.texts("photo_folders", folders)
	for _, f := range folders {
		if f == "." || !fs.ValidPath(f) {
			v.fault("photo_folders: %q is not a path inside the account", f)
		}
	}
}

// checkKnown holds a full profile to having everything that a departure asks
// for, and an unknown one to claiming nothing that a departure would follow.
func (v *validator) checkKnown(p Profile) {
	if p.Known {
		if len(p.Data) == 0 || len(p.Consequences) == 0 || len(p.Deletion) == 0 {
			v.fault("a known profile needs data, consequences and deletion")
		}
		return
	}
	if p.Tracker.Runs != RunsUnknown || len(p.Deletion) > 0 || len(p.Consequences) > 0 {
		v.fault("an unknown profile has tracker unknown, no deletion and no consequences")
	}
}
