package cli

import (
	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/engine"
)

// shownItems is how many items, and how many failures, a person is shown.
const shownItems = 20

// proofOutside is the proof of a restore in which the agent's own list spoke.
const proofOutside = "ledger"

func (s *session) showRestore(r *agent.RestoreReport, again string) {
	if r.Drill != nil {
		s.showDrill(r)
	} else {
		s.showRestored(r)
	}
	s.showNotRestored(r)
	for _, w := range r.Warnings {
		s.say("Note: %s.", printable(w))
	}
	switch {
	case r.Drill != nil && r.Drill.Equal:
		s.say("This copy can be restored.")
	case r.DryRun:
		s.say("Nothing was written. Next: `%s`", printable(again))
	case r.Outcome != engine.RestoreComplete:
		s.say("Not everything could be restored. What was, stays; doing it again adds nothing twice.")
		s.say("Next: `clearance restore --from FOLDER` (where you have another copy)")
	case r.Drill == nil:
		s.say("Everything that was asked for is there. Doing it again adds nothing.")
	}
}

func (s *session) showRestored(r *agent.RestoreReport) {
	head, did := "Restored from %s to %s:", ""
	if r.DryRun {
		head, did = "This would be restored from %s to %s:", "would be "
	}
	s.say(head, printable(r.Copy), printable(r.Target))
	some := false
	for _, t := range r.Sets {
		if t.Selected > 0 {
			some = true
			s.say("  %s, %s: %s %swritten, %s there already", amount(t.Selected, t.Dataset), size(t.Bytes), humanize.Comma(t.Written), did, humanize.Comma(t.Already))
		}
		if t.Unproven > 0 && r.Proof == proofOutside {
			s.say("    nothing outside the copy vouches for %s of them", humanize.Comma(t.Unproven))
		}
		if t.Beside > 0 {
			s.say("    %s of them beside something else that has the name, which stays as it is", humanize.Comma(t.Beside))
		}
	}
	if !some {
		s.say("  nothing in the copy is what you asked for")
	}
	s.showItemsOf(r)
	for _, t := range r.Sets {
		if t.LeftOut > 0 {
			s.say("  left out: %s, which cannot be held there; restore them to a folder", amount(t.LeftOut, t.Dataset))
		}
		if t.Undated > 0 {
			s.say("  left out: %s without a date; leave --since and --until out to have them", amount(t.Undated, t.Dataset))
		}
	}
}

// showItemsOf names what a dry run foretells, what lands beside something, and
// what only the copy itself vouches for.
func (s *session) showItemsOf(r *agent.RestoreReport) {
	shown := 0
	for _, it := range r.Items {
		if !r.DryRun && !it.Beside && (!it.Unproven || r.Proof != proofOutside) {
			continue
		}
		if shown++; shown > shownItems {
			s.say("    … and more: --json names up to %s", humanize.Comma(engine.MaxRestoreNamed))
			return
		}
		doubt := ""
		if it.Unproven && r.Proof == proofOutside {
			doubt = " (nothing outside the copy vouches for it)"
		}
		s.say("    %s → %s%s", printable(it.Name), printable(it.Where), doubt)
	}
}

func (s *session) showNotRestored(r *agent.RestoreReport) {
	failed := int64(0)
	for _, t := range r.Sets {
		failed += t.Failed
	}
	if failed == 0 {
		return
	}
	s.say("NOT restored: %s", humanize.Comma(failed))
	for i, it := range r.Failed {
		if i == shownItems {
			s.say("  … and %s more: --json names up to %s", humanize.Comma(failed-shownItems), humanize.Comma(engine.MaxRestoreNamed))
			return
		}
		s.say("  %s: %s", printable(it.Name), printable(it.Why))
	}
}

func (s *session) showDrill(r *agent.RestoreReport) {
	s.say("A drill with %s: everything was restored twice into a place of its own, and held against the copy.", printable(r.Copy))
	if r.Drill.Substitute != "" {
		s.say("  No address book and calendar could be started for it (%s), so files were used instead.", printable(r.Drill.Substitute))
	}
	for _, p := range r.Drill.Parts {
		s.say("  %s: %s of %s are equal to the copy, %s; the second time added %s", printable(p.Target),
			humanize.Comma(p.Compared), humanize.Comma(p.Items), size(p.Bytes), humanize.Comma(p.Again))
		if p.Whole() {
			continue
		}
		s.say("    NOT EQUAL: %s differ, %s are missing, %s could not be restored, %s are there that should not be",
			humanize.Comma(p.Differ), humanize.Comma(p.Missing), humanize.Comma(p.Failed), humanize.Comma(p.Strange))
		for _, e := range p.Examples {
			s.say("    %s", printable(e))
		}
	}
	s.say("  It took %.1f s and %.1f s, and was taken away again.", r.Drill.Took.First, r.Drill.Took.Second)
}
