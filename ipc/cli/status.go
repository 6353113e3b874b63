package cli

import (
	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/api"
)

type statusCmd struct {
	Account string `arg:"" optional:"" help:"The account; without it, every one that you are leaving."`
	Watch   bool   `help:"Go on showing what changes."`
}

// Run shows how far one is, and ends with 1 while it is not ready; or lists
// them all.
func (c statusCmd) Run(s *session) error {
	if c.Account == "" && !c.Watch {
		return s.statusOfAll()
	}
	info, err := s.leavingToShow(c.Account)
	if err != nil {
		return err
	}
	if c.Watch {
		return s.live(info, nil)
	}
	s.give("departure", info, func() { s.showStatus(info) })
	if !mayGoOn(info) {
		return exit(api.ExitNotReady)
	}
	return nil
}

// mayGoOn reports whether a script may: ready now, or at the end. The verdict
// alone is of the last look; whether it holds still is what Live says.
func mayGoOn(info agent.DepartureInfo) bool {
	return info.Live == agent.LiveReady || info.Verdict.Complete || info.State != engine.Open
}

func (s *session) statusOfAll() error {
	all, err := s.everyLeaving()
	if err != nil {
		return err
	}
	s.give("departures", all, func() {
		if len(all) == 0 {
			s.say("You are leaving no account.")
			s.say("Next: `clearance accounts`")
		}
		for _, info := range all {
			s.say("%s at %s: %s, %s", printable(info.Departure.Account.Identity), printable(info.ProviderName),
				wanted(info.Departure.Intent), s.standing(info))
		}
	})
	return nil
}

// leavingToShow is the open leaving of an account, or its latest.
func (s *session) leavingToShow(name string) (agent.DepartureInfo, error) {
	_, info, err := s.leavingOf(name)
	if err == nil || api.Tell(err).Kind == agent.KindInvalid { // which one is meant is not clear
		return info, err
	}
	all, listErr := s.everyLeaving()
	if listErr != nil {
		return info, listErr
	}
	var accounts []agent.AccountInfo
	for _, old := range all {
		accounts = append(accounts, agent.AccountInfo{Account: old.Departure.Account, Departure: old.Departure.ID})
	}
	for i, a := range accounts { // newest first
		if _, none := pick(accounts[i:i+1], name); none == nil {
			return s.client.Departure(s.ctx, a.Departure)
		}
	}
	return info, err
}

func wanted(intent departure.Intent) string {
	switch intent {
	case departure.Delete:
		return "to delete it"
	case departure.Switch:
		return "to use another account"
	}
	return "to sign out"
}

// standing is one line: READY, NOT READY, STOP.
func (s *session) standing(info agent.DepartureInfo) string {
	switch {
	case info.State == engine.Cancelled:
		return "given up; your copy stays"
	case info.State == engine.Finished || info.Verdict.Complete:
		return "done"
	case info.Live == agent.LiveReady:
		return "READY until " + s.clock(info.Verdict.Until)
	case info.Live == agent.LiveStop:
		return "STOP, do not delete"
	case info.Live == agent.LiveBlind:
		return "the agent cannot look, so it is not known"
	case info.Live == agent.LiveChecking:
		return "looking"
	}
	return "NOT READY"
}

// sayLacks tells what the disk of the copy cannot keep of a file.
func (s *session) sayLacks(info agent.DepartureInfo) {
	if info.Copy.Lacks != "" {
		s.say("  Good to know: %s.", printable(info.Copy.Lacks))
	}
}

func (s *session) showStatus(info agent.DepartureInfo) {
	s.say("Leaving %s at %s, %s: %s", printable(info.Departure.Account.Identity), printable(info.ProviderName),
		wanted(info.Departure.Intent), s.standing(info))
	if info.Copy.Items > 0 {
		s.say("Your copy: %s items, %s, in %s", humanize.Comma(info.Copy.Items), size(info.Copy.Bytes), printable(info.Copy.Shown))
	}
	s.sayLacks(info)
	if info.State != engine.Open {
		return
	}
	if info.Live == agent.LiveReady && info.Path != nil {
		s.showWhere(info)
	}
	if info.Running {
		s.say("Now: %s", spokenStep(info.Progress.Step).doing)
	}
	s.showOpen(info.Verdict.Checks)
	s.showTrackersHere(info.TrackersHere)
	if info.WaitingWhy != "" {
		s.say("Waiting: %s", printable(info.WaitingWhy))
	}
	if remedy := firstRemedy(info); remedy != nil && remedy.Command != "" {
		s.say("Next: `%s` (%s)", remedy.Command, remedy.Text)
	}
}

// firstRemedy is the one thing to do next.
func firstRemedy(info agent.DepartureInfo) *departure.Remedy {
	if info.Waiting != nil {
		return info.Waiting
	}
	for _, c := range info.Verdict.Checks.Open() {
		if c.Remedy != nil {
			return c.Remedy
		}
	}
	return nil
}

// showOpen lists what does not hold.
func (s *session) showOpen(checks departure.Checks) {
	for _, c := range checks.Open() {
		mark := "-"
		if c.Status == departure.Unknown {
			mark = "?"
		}
		s.say("  %s %-15s %s", mark, c.ID.Spoken(), printable(c.Reason.Text))
	}
}

func (s *session) showWhere(info agent.DepartureInfo) {
	if info.Path == nil {
		return
	}
	s.say("  %s", printable(info.Path.Title))
	s.say("  %s", printable(info.Path.Where))
}
