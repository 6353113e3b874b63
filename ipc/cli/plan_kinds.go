package cli

import (
	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

// showKinds says of every kind of data that the account holds what is known of
// it: first what can be copied, then what cannot. Nothing here is called good.
func (s *session) showKinds(plan *agent.PlanReport) {
	shown := map[departure.Dataset]bool{}
	for _, k := range plan.Kinds {
		if k.Cover == agent.CoverNone {
			continue
		}
		s.para("  ", k.Name)
		s.para("    ", numbers(k, plan.Kinds))
		if k.Dataset != "" && !shown[k.Dataset] {
			shown[k.Dataset] = true
			s.showSources(classOf(plan, k.Dataset), plan.CopyOnly)
		}
		s.showEnd(k)
	}
	said := false
	for _, k := range plan.Kinds {
		if k.Cover != agent.CoverNone {
			continue
		}
		if !said {
			s.say("Cannot be copied from here. Save what you need of it yourself:")
			said = true
		}
		s.para("  ", k.Name)
		s.showEnd(k)
	}
	for _, c := range plan.Classes {
		if !shown[c.Dataset] && len(c.Sources) > 0 {
			s.say("Not of this account:")
			s.showSources(c, plan.CopyOnly)
		}
	}
}

// numbers is how much there is of a kind, or why that is not known.
func numbers(k agent.PlanKind, all []agent.PlanKind) string {
	for _, first := range all {
		if k.With != "" && first.ID == k.With {
			return "counted with " + first.Name + "; look yourself whether all of it is there"
		}
	}
	text := ""
	switch {
	case k.Items > 0:
		text = amount(k.Items, k.Dataset) + ", " + size(k.Bytes)
		if k.OnlyCloud > 0 {
			text += " (" + amount(k.OnlyCloud, k.Dataset) + " of them only in the cloud)"
		}
		if k.InCopy > 0 {
			text += ", " + humanize.Comma(k.InCopy) + " in your copy already"
		}
	case k.Cover == agent.CoverListed:
		return "none"
	}
	if k.Cover != agent.CoverNotKnown {
		return text
	}
	if text != "" {
		return text + ", and perhaps more: not known (" + k.Why + ")"
	}
	return "not known (" + k.Why + ")"
}

// showEnd says what deletion does to a kind of data, and where it is found.
func (s *session) showEnd(k agent.PlanKind) {
	s.para("    After: ", k.After)
	s.para("    Where: ", k.Where)
}

func classOf(plan *agent.PlanReport, set departure.Dataset) agent.PlanClass {
	for _, c := range plan.Classes {
		if c.Dataset == set {
			return c
		}
	}
	return agent.PlanClass{Dataset: set}
}
