package cli

import (
	"slices"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

// showSources says of each store on this device what it holds, whose it is and
// what becomes of it.
func (s *session) showSources(class agent.PlanClass, copyOnly []departure.SourceID) {
	for _, l := range class.Sources {
		if l.Source.Remote && l.Source.SharedBy == "" {
			continue // the cloud's own: the line above
		}
		held := "not known"
		if l.Complete {
			held = amount(l.Counted(), class.Dataset)
		}
		after := becomes(l.Source)
		if slices.Contains(copyOnly, l.Source.ID) {
			after += ", and is only in your copy then"
		}
		s.para("    ", l.Source.Name+": "+held+", "+after)
	}
}

// becomes is the fate of a source, for a person.
func becomes(src departure.Source) string {
	switch {
	case src.SharedBy != "":
		return "stays with its owner; copied only with leave --shared"
	case src.Given:
		return "given by you as the account's"
	case src.Fate == departure.Leaves:
		return "leaves this device with the account"
	case src.Fate == departure.Stays && src.OfAccount:
		return "a copy of the account's that stays on this device"
	case src.Fate == departure.Stays:
		return "this device's own, stays"
	}
	return "lost with the account"
}
