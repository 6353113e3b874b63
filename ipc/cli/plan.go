package cli

import (
	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

type planCmd struct {
	Account string `arg:"" help:"The account."`
}

// Run looks and writes nothing.
func (c planCmd) Run(s *session) error {
	account, err := s.account(c.Account)
	if err != nil {
		return err
	}
	report, err := s.plan(account)
	if err != nil {
		return err
	}
	s.give("plan", report, func() {
		s.showPlan(account, report, s.showKinds)
		s.say("Next: `%s`", departure.Command("leave", account.Account))
	})
	return nil
}

func (s *session) plan(account agent.AccountInfo) (*agent.PlanReport, error) {
	job, err := s.client.Plan(s.ctx, account.ID)
	if err != nil {
		return nil, err
	}
	bar := s.progress()
	defer bar.end()
	job, err = s.client.Wait(s.ctx, job, bar.see)
	if err != nil {
		return nil, err
	}
	if job.Plan == nil {
		return nil, errNoResult
	}
	return job.Plan, nil
}

// errNoResult: the agent said that it was done and gave nothing.
var errNoResult = &agent.Error{Kind: agent.KindInternal, Text: "the agent gave no answer; are clearance and clearanced of the same version?"}

// showPlan says what would be lost, by kinds, and where the account is signed in.
func (s *session) showPlan(account agent.AccountInfo, plan *agent.PlanReport, kinds func(*agent.PlanReport)) {
	s.say("If %s at %s were deleted now, you would lose:", printable(account.Identity), printable(account.ProviderName))
	if plan.Replaced {
		s.para("  ", "What is known of "+account.ProviderName+" was written by this device's administrator.")
	}
	if plan.Broken != "" {
		s.para("  ", "What this device's administrator wrote of "+account.ProviderName+" cannot be used, so there may be more: "+plan.Broken)
	}
	kinds(plan)
	for _, b := range plan.Bindings {
		if b.State == departure.BindingGone {
			continue
		}
		s.showSignIn(b)
	}
	for _, h := range plan.Hints {
		s.para("Also: ", h.Name+": "+h.Text)
		s.para("  to do by hand: ", h.Remedy.Text)
	}
	for _, t := range plan.Trackers {
		s.say("Find My Device is %s.", t.State)
	}
	s.showTrackersHere(plan.TrackersHere)
	if !plan.Complete {
		s.say("Not everything could be listed, so there may be more.")
		if plan.Unseen != "" {
			s.para("  ", plan.Unseen)
		}
	}
}

// showSignIn says where the account is signed in, what goes with it, and what is
// in the way of its removal.
func (s *session) showSignIn(b departure.Binding) {
	switch b.State {
	case departure.BindingPresent:
		s.say("Signed in at: %s", printable(b.Name))
	case departure.BindingLeftover:
		s.para("Left behind: ", b.Why.Text)
	default:
		s.para("Perhaps signed in at: ", b.Name+" ("+b.Why.Text+")")
	}
	for _, goes := range b.Goes {
		s.say("  goes from this device with it: %s", vanishing(goes))
	}
	switch {
	case b.Blocked == nil:
	case b.Unread != "":
		s.para("  to find out: ", b.Blocked.Text)
	case b.Yours():
		s.para("  ", "Only you can remove this. Not yet: leave it as it is until Clearance says so.")
		s.para("  how, then: ", b.Blocked.Text)
	case b.Guided:
		s.para("  to do by hand: ", b.Blocked.Text)
	default:
		s.say("  before it can be removed: %s", printable(b.Blocked.Text))
	}
}

// vanishing is one thing that goes with a sign-in, for a person.
func vanishing(v departure.Vanishing) string {
	text := printable(v.What) + " " + printable(v.Name)
	switch {
	case v.Items == 1:
		text += ", 1 item"
	case v.Items > 1:
		text += ", " + humanize.Comma(v.Items) + " items"
	case v.Items < 0:
		text += ", with what is in it"
	}
	return text
}
