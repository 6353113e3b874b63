package agent

import (
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/provider"
)

// planOf adds a look up by dataset.
func planOf(d departure.Departure, look departure.Look, trackers departure.Trackers, p departure.Profile, known provider.Profile, now time.Time) *PlanReport {
	r := &PlanReport{
		Account: d.Account, At: now, Complete: look.Complete,
		Uncovered: p.NotCovered(look.Kinds), Bindings: look.Bindings, Hints: look.Hints, Trackers: trackers.Seen, TrackersHere: trackers.Here, CopyOnly: look.Kept.CopyOnly,
	}
	if !look.Complete {
		r.Unseen = look.Why.Text
	}
	for _, set := range departure.Datasets {
		c := PlanClass{Dataset: set, Complete: true}
		for _, l := range look.Listings {
			if l.Source.Dataset != set {
				continue
			}
			c.Sources = append(c.Sources, l)
			if l.Source.Fate == departure.Stays {
				continue
			}
			c.Complete = c.Complete && l.Complete
			if l.Source.Remote || l.Source.Given {
				c.Asked = true
				c.InCopy += max(0, l.Covered-max(0, l.Beside))
				c.Items += l.Counted()
				c.Bytes += l.Bytes
				c.OnlyCloud += l.OnlyCloud
				c.OnlyCloudBytes += l.OnlyCloudBytes
			}
		}
		switch {
		case expected(p, set) && !c.Asked:
			c.Complete = false // what is on this device says nothing of the provider's
		case len(c.Sources) == 0:
			c.Complete = look.Complete
		}
		r.Complete = r.Complete && c.Complete
		r.Classes = append(r.Classes, c)
	}
	r.Kinds = planKinds(known, r, look.Kinds, d.Account.Declared)
	return r
}

// expected reports whether the provider holds a dataset.
func expected(p departure.Profile, set departure.Dataset) bool {
	for _, d := range p.Datasets {
		if d == set {
			return true
		}
	}
	return false
}
