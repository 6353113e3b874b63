package agent

import (
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/provider"
)

// Cover says how a kind of data stands in a plan. None of them says that all is
// well: that only a departure's checks do.
type Cover string

// How a kind of data may stand.
const (
	CoverListed   Cover = "listed"      // listed in full: it can be copied from here
	CoverNotKnown Cover = "not-known"   // it should be listed, and was not, or not in full
	CoverNone     Cover = "not-covered" // it cannot be copied from here
)

// PlanKind is one kind of data that the account holds.
type PlanKind struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Cover Cover  `json:"cover"`
	// Dataset is what it is copied as; empty where it is not.
	Dataset departure.Dataset `json:"dataset,omitempty"`
	// With is the kind in whose numbers this one's stand, where one dataset holds
	// several: whether all of this one is there is not known. Else the numbers are
	// of this one.
	With string `json:"with,omitempty"`
	// Items and Bytes are lost, or leave the device; OnlyCloud of these are
	// nowhere else, and InCopy of them are in the copy already.
	Items          int64  `json:"items"`
	Bytes          int64  `json:"bytes"`
	OnlyCloud      int64  `json:"only_cloud"`
	OnlyCloudBytes int64  `json:"only_cloud_bytes"`
	InCopy         int64  `json:"in_copy"`
	Why            string `json:"why,omitempty"` // why it is not known
	After          string `json:"after"`         // what deletion does to it
	Where          string `json:"where"`         // where a person finds it before
}

// planKinds holds the profile's kinds of data against what was listed. What was
// seen or listed and the profile does not name comes last: it is never left out.
func planKinds(p provider.Profile, r *PlanReport, seen []departure.SeenKind, declared bool) []PlanKind {
	var kinds []PlanKind
	named := map[departure.Dataset]bool{}
	for _, d := range p.Data {
		k := PlanKind{ID: d.ID, Name: d.Name, Cover: CoverNone, After: d.After, Where: d.Where}
		if set := departure.Dataset(d.Dataset); set.Known() {
			if with, ok := p.CountedWith(d); ok {
				k.With, k.Why = with.ID, "its numbers do not tell whether all of it is there"
			}
			k.Dataset, named[set] = set, true
			count(&k, r.class(set), declared)
		}
		kinds = append(kinds, k)
	}
	for _, set := range departure.Datasets {
		c := r.class(set)
		if named[set] || p.Known && !slices.ContainsFunc(c.Sources, func(l departure.Listing) bool { return l.Source.Fate != departure.Stays }) {
			continue
		}
		k := PlanKind{ID: "unlisted-" + string(set), Name: spokenSets[set], Dataset: set,
			After: "Not known; treat it as gone for good.", Where: "Not known; look through the provider's own pages."}
		count(&k, c, declared)
		kinds = append(kinds, k)
	}
	for _, k := range seen {
		if !slices.ContainsFunc(kinds, func(have PlanKind) bool { return have.ID == k.ID }) {
			kinds = append(kinds, PlanKind{ID: "seen-" + k.ID, Name: k.Name, Cover: CoverNone,
				After: "Not known; treat it as gone for good.", Where: "The provider's own pages."})
		}
	}
	if !p.Known {
		kinds = append(kinds, PlanKind{ID: "not-known", Name: "Everything else", Cover: CoverNotKnown,
			Why: "not enough is known of this provider", After: "Not known.", Where: "Look through the provider's own pages."})
	}
	return kinds
}

// spokenSets name the datasets to a person.
var spokenSets = map[departure.Dataset]string{
	departure.Photos: "Photos", departure.Contacts: "Contacts", departure.Notes: "Notes",
	departure.Calendars: "Calendars and tasks", departure.Files: "Files",
}

// count puts the numbers of a dataset into a kind. What was not listed in full is
// not known, however many of it were seen; so is what nobody could list at all.
func count(k *PlanKind, c PlanClass, declared bool) {
	k.Cover = CoverNotKnown
	switch {
	case k.With != "":
		return
	case len(c.Sources) == 0 && declared:
		k.Why = "nothing of it was given"
	case len(c.Sources) == 0:
		k.Why = "nothing lists it from here"
	case c.Complete && (c.Asked || declared):
		k.Cover = CoverListed
	case c.Complete:
		k.Why = "it was not listed at the provider, only on this device"
	default:
		k.Why = "not all of it could be listed"
		for _, l := range c.Sources {
			if !l.Complete && l.Why.Text != "" {
				k.Why = l.Why.Text
				if !strings.Contains(k.Why, l.Source.Name) {
					k.Why = l.Source.Name + ": " + k.Why
				}
				break
			}
		}
	}
	k.Items, k.Bytes, k.OnlyCloud, k.OnlyCloudBytes, k.InCopy = c.Items, c.Bytes, c.OnlyCloud, c.OnlyCloudBytes, c.InCopy
}

func (r *PlanReport) class(set departure.Dataset) PlanClass {
	for _, c := range r.Classes {
		if c.Dataset == set {
			return c
		}
	}
	return PlanClass{Dataset: set}
}
