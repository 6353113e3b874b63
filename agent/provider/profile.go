package provider

import (
	"slices"
	"strings"
)

// Confidence says how far a fact may be believed.
type Confidence string

// The three confidences. High is what an official page says or what was read in
// code, Medium what several third parties say, Low what one weak source says.
const (
	High   Confidence = "H"
	Medium Confidence = "M"
	Low    Confidence = "L"
)

// Dataset is a kind of content that Clearance copies. The empty Dataset means
// that Clearance does not cover the content: it can only be shown.
type Dataset string

// The datasets of domain.md.
const (
	Uncovered Dataset = ""
	Photos    Dataset = "photos"
	Contacts  Dataset = "contacts"
	Notes     Dataset = "notes"
	Calendars Dataset = "calendars"
	Files     Dataset = "files"
)

// Needs says what a way to delete the account requires.
type Needs string

// SignedInHere works only while this device is signed in, Web needs a browser,
// AskAdmin needs whoever runs the service.
const (
	SignedInHere Needs = "signed-in-here"
	Web          Needs = "web"
	AskAdmin     Needs = "ask-admin"
)

// Runs answers whether a provider ties devices to the account (Find My Device).
type Runs string

// The three answers. RunsUnknown is never taken for RunsNo.
const (
	RunsYes     Runs = "yes"
	RunsNo      Runs = "no"
	RunsUnknown Runs = "unknown"
)

// Profile is what the catalogue knows about one provider.
type Profile struct {
	// ID names the provider in the API and on the command line ("xiaomi").
	ID string `json:"id"`
	// Name is what a person reads ("Xiaomi (Mi Account)").
	Name string `json:"name"`
	// Known is false for a profile that only names the provider: nothing about
	// its tracker, its ways to delete or its consequences was established.
	Known bool `json:"known"`
	// GOATypes are the GNOME Online Accounts provider types that belong to it.
	GOATypes []string `json:"goa_types"`
	// Hosts are the provider's own host names; a host below one of them counts.
	Hosts []string `json:"hosts"`
	// Domains are account domains: the part of an identity after its @.
	Domains []string `json:"domains"`

	Facts []Fact      `json:"facts"`
	Data  []DataClass `json:"data"`
	// Consequences are the texts that a person acknowledges before deletion.
	Consequences []Statement `json:"consequences"`
	// Records ask about purchases and warranties whose proof would be erased.
	Records []Statement `json:"records"`
	// Blockers ask about what may make the provider refuse. They assert nothing.
	Blockers []Statement `json:"blockers"`
	// Separate are other accounts that must stay signed in.
	Separate []Separate `json:"separate"`
	Tracker  Tracker    `json:"tracker"`
	// Devices tells how devices are taken out of the account, one by one.
	Devices *Guide `json:"devices"`
	// Deletion are the ways to delete the account, the preferred one first.
	Deletion []Path `json:"deletion"`
	// Processing names the facts about grace periods and processing times.
	Processing []string `json:"processing"`
	// PhotoFolders are folders of the account's WebDAV tree whose images are
	// photos and not merely files, relative to its root, without slashes around.
	PhotoFolders []string `json:"photo_folders"`
}

// Fact is one statement about a provider.
type Fact struct {
	ID         string     `json:"id"`
	Text       string     `json:"text"`
	Source     string     `json:"source"`
	Confidence Confidence `json:"confidence"`
}

// Relied reports whether a decision may rest on the fact.
func (f Fact) Relied() bool { return f.Confidence == High }

// DataClass is one kind of content that the account holds.
type DataClass struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Dataset is where Clearance copies it, or Uncovered.
	Dataset Dataset `json:"dataset"`
	// After says what deletion does to it.
	After string `json:"after"`
	// Where says where a person finds it before deletion.
	Where string   `json:"where"`
	Facts []string `json:"facts"`
}

// Statement is a text that a person acknowledges or answers.
type Statement struct {
	ID    string   `json:"id"`
	Text  string   `json:"text"`
	Facts []string `json:"facts"`
}

// Separate is an account at another provider that leaving this one must not
// touch, with the reason that a person reads.
type Separate struct {
	Provider string `json:"provider"`
	Text     string `json:"text"`
}

// Tracker is what is known about the provider's Find My Device.
type Tracker struct {
	Runs Runs `json:"runs_tracker"`
	// Confidence is the confidence of Runs.
	Confidence Confidence `json:"confidence"`
	Facts      []string   `json:"facts"`
	// Guide tells a person how to switch it off; nil where it runs none.
	Guide *Guide `json:"guide"`
}

// Guide is an instruction for a person.
type Guide struct {
	Title string   `json:"title"`
	Steps []string `json:"steps"`
	Facts []string `json:"facts"`
}

// Path is one way to delete the account.
type Path struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// URL is empty where there is no page; it is https, or begins with
	// "{server}/" where the account's own server has the page (see Path.At).
	URL   string   `json:"url"`
	Steps []string `json:"steps"`
	Needs Needs    `json:"needs"`
	Facts []string `json:"facts"`
}

// serverMark stands for the account's own server in a Path's URL.
const serverMark = "{server}"

// At returns the path's page on the given server ("https://cloud.example"), or
// the URL itself where it names a host. It is empty where there is no page, or
// where the page is on the account's server and server is empty.
func (p Path) At(server string) string {
	rest, own := strings.CutPrefix(p.URL, serverMark)
	if !own {
		return p.URL
	}
	if server == "" {
		return ""
	}
	return strings.TrimRight(server, "/") + rest
}

// Unknown is the profile of a provider that the catalogue does not know: its
// tracker is unknown and there is no way to delete.
func Unknown(id, name string) Profile {
	return Profile{ID: id, Name: name, Tracker: Tracker{Runs: RunsUnknown, Confidence: Low}}
}

// Fact returns the fact with this id.
func (p Profile) Fact(id string) (Fact, bool) {
	i := slices.IndexFunc(p.Facts, func(f Fact) bool { return f.ID == id })
	if i < 0 {
		return Fact{}, false
	}
	return p.Facts[i], true
}

// Relied returns the facts that a decision may rest on: those of confidence H.
func (p Profile) Relied() []Fact {
	var out []Fact
	for _, f := range p.Facts {
		if f.Relied() {
			out = append(out, f)
		}
	}
	return out
}

// RunsNoTracker reports whether the provider is known, by a fact of confidence
// H, to run no Find My Device. Not knowing is false.
func (p Profile) RunsNoTracker() bool {
	if p.Tracker.Runs != RunsNo || p.Tracker.Confidence != High {
		return false
	}
	return slices.ContainsFunc(p.Tracker.Facts, func(id string) bool {
		f, ok := p.Fact(id)
		return ok && f.Relied()
	})
}

// Path returns the way to delete with this id.
func (p Profile) Path(id string) (Path, bool) {
	i := slices.IndexFunc(p.Deletion, func(d Path) bool { return d.ID == id })
	if i < 0 {
		return Path{}, false
	}
	return p.Deletion[i], true
}

// NotCovered returns the data classes that Clearance cannot copy.
func (p Profile) NotCovered() []DataClass {
	var out []DataClass
	for _, d := range p.Data {
		if d.Dataset == Uncovered {
			out = append(out, d)
		}
	}
	return out
}

// CountedWith returns the kind in whose numbers those of another stand, as tasks
// stand in those of calendars, where one dataset holds both: nobody can tell from
// the number of the one that the other is whole. ok is false for a kind that has a
// dataset to itself, or that is the first in it.
func (p Profile) CountedWith(d DataClass) (first DataClass, ok bool) {
	i := slices.IndexFunc(p.Data, func(k DataClass) bool { return k.Dataset == d.Dataset })
	if d.Dataset == Uncovered || i < 0 || p.Data[i].ID == d.ID {
		return DataClass{}, false
	}
	return p.Data[i], true
}
