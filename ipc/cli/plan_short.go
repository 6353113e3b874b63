package cli

import (
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

// showKindsInShort is [session.showKinds] at the beginning of a walk: a line for
// each kind of data of which there is some, or of which that is not known, and the
// names of those that cannot be copied. Each of these is shown again, with what
// becomes of it, before it has to be answered for.
func (s *session) showKindsInShort(plan *agent.PlanReport) {
	var uncovered []string
	for _, k := range plan.Kinds {
		switch {
		case k.Cover == agent.CoverNone:
			uncovered = append(uncovered, k.Name)
		case k.Cover == agent.CoverNotKnown:
			s.para("  ", k.Name+": "+numbers(k, plan.Kinds))
		case k.Items > 0 && k.With == "":
			s.para("  ", numbers(k, plan.Kinds))
		}
	}
	if len(uncovered) > 0 {
		s.para("Cannot be copied from here: ", strings.Join(uncovered, "; ")+".")
	}
	var copyOnly []string
	for _, c := range plan.Classes {
		for _, l := range c.Sources {
			if slices.Contains(plan.CopyOnly, l.Source.ID) {
				copyOnly = append(copyOnly, l.Source.Name)
			}
		}
	}
	if len(copyOnly) > 0 {
		s.para("Only in your copy afterwards: ", strings.Join(copyOnly, "; ")+".")
	}
	s.say("More of each: `%s`", departure.Command("plan", plan.Account))
}
