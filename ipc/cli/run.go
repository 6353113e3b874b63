package cli

import (
	"context"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// cancelTime is how long an interrupted command waits for the agent to stop
// what it began.
const cancelTime = 3 * time.Second

// run goes up to a step and returns how it stands then. Interrupted, it stops
// what it began.
func (s *session) run(info agent.DepartureInfo, until departure.Step) (agent.DepartureInfo, error) {
	job, err := s.client.Run(s.ctx, info.Departure.ID, until)
	if err != nil {
		return info, err
	}
	if job, err = s.wait(job); err != nil {
		return info, err
	}
	if job.Departure == nil {
		return info, errNoResult
	}
	return *job.Departure, nil
}

// wait shows how a job goes until it is done. Interrupted, it stops the job.
func (s *session) wait(job agent.JobInfo) (agent.JobInfo, error) {
	bar := s.progress()
	defer bar.end()
	done, err := s.client.Wait(s.ctx, job, bar.see)
	if s.ctx.Err() != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), cancelTime)
		defer cancel()
		// An agent that does not hear it goes on, which harms nothing.
		_, _ = s.client.CancelJob(ctx, job.ID)
		return done, s.ctx.Err()
	}
	return done, err
}

// reached reports whether a step holds.
func reached(info agent.DepartureInfo, step departure.Step) bool {
	for _, r := range info.Reached {
		if r.Step == step {
			return r.Digest != ""
		}
	}
	return false
}

// notReady is the refusal of a leaving that cannot go on by itself.
func notReady(info agent.DepartureInfo, what string) *agent.Error {
	e := &agent.Error{Kind: agent.KindNotReady, Text: what, Checks: info.Verdict.Checks.Open(), Remedy: firstRemedy(info)}
	if why := trouble(info); why != "" {
		e.Text += ": " + printable(why)
	}
	return e
}

// trouble is what went wrong last, empty where nothing did.
func trouble(info agent.DepartureInfo) string {
	if why := interruptedWhy(info); why != "" {
		return why
	}
	return info.WaitingWhy
}

// interruptedWhy is why the last act changed nothing.
func interruptedWhy(info agent.DepartureInfo) string {
	if n := len(info.Acts); n > 0 && info.Acts[n-1].State == departure.ActInterrupted {
		return info.Acts[n-1].Why
	}
	return ""
}

type backupCmd struct {
	Account string `arg:"" optional:"" help:"The account, where you are leaving more than one."`
}

// Run copies.
func (c backupCmd) Run(s *session) error {
	return s.runVerb(c.Account, departure.StepBackup, "not everything is in your copy")
}

type verifyCmd struct {
	Account string `arg:"" optional:"" help:"The account, where you are leaving more than one."`
}

// Run copies what is missing and reads all of it back.
func (c verifyCmd) Run(s *session) error {
	return s.runVerb(c.Account, departure.StepVerify, "your copy was not read back in full")
}

func (s *session) runVerb(name string, until departure.Step, otherwise string) error {
	account, info, err := s.leavingOf(name)
	if err != nil {
		return err
	}
	s.resume = departure.Command(spokenVerb(until), account.Account)
	if info, err = s.run(info, until); err != nil {
		return err
	}
	if !reached(info, until) {
		return notReady(info, otherwise)
	}
	s.give("departure", info, func() {
		s.say("Your copy holds %s items, %s, in %s.", humanize.Comma(info.Copy.Items), size(info.Copy.Bytes), printable(info.Copy.Shown))
		if until == departure.StepVerify {
			s.say("Every byte was read back and is right.")
		}
	})
	return nil
}

func spokenVerb(until departure.Step) string {
	if until == departure.StepVerify {
		return "verify"
	}
	return "backup"
}

type itemsCmd struct {
	Account string            `arg:"" optional:"" help:"The account, where you are leaving more than one."`
	Failed  bool              `help:"Only what could not be copied."`
	Missing bool              `help:"Only what is not in your copy yet."`
	Only    departure.Dataset `help:"Only photos, contacts, notes, calendars or files." placeholder:"KIND"`
	Limit   int               `help:"At most so many." default:"1000"`
}

// Run lists items, page by page.
func (c itemsCmd) Run(s *session) error {
	_, info, err := s.leavingOf(c.Account)
	if err != nil {
		return err
	}
	filter := engine.ItemFilter{Dataset: c.Only, Failed: c.Failed, Missing: c.Missing}
	items := []engine.Item{}
	for len(items) < c.Limit {
		filter.Limit = min(c.Limit-len(items), 1000)
		page, err := s.client.Items(s.ctx, info.Departure.ID, filter)
		if err != nil {
			return err
		}
		items = append(items, page.Items...)
		if filter.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	more := filter.Cursor != ""
	s.give("items", map[string]any{"items": items, "more": more}, func() { s.showItems(items, more) })
	return nil
}

func (s *session) showItems(items []engine.Item, more bool) {
	for _, item := range items {
		if item.Why != "" {
			s.say("%s: %s", printable(item.Name), printable(item.Why))
			continue
		}
		s.say("%s  %s", printable(item.Name), size(item.Size))
	}
	if more {
		s.say("There are more: use --limit.")
	}
	if len(items) == 0 {
		s.say("None.")
	}
}
