package cli

import (
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

type submittedCmd struct {
	Account string    `arg:"" optional:"" help:"The account, where you are leaving more than one."`
	When    time.Time `help:"When, such as 2026-11-23T21:04:00Z; by default now." placeholder:"TIME"`
}

// Run notes that the deletion was asked for.
func (c submittedCmd) Run(s *session) error {
	account, info, err := s.leavingOf(c.Account)
	if err != nil {
		return err
	}
	if c.When.IsZero() {
		c.When = s.now()
	}
	if info, err = s.client.Submitted(s.ctx, info.Departure.ID, c.When); err != nil {
		return err
	}
	s.give("departure", info, func() {
		s.say("Noted: the deletion of %s was asked for at %s.", printable(account.Identity), s.clock(c.When))
		if !info.Verdict.Complete {
			s.say("Next: `%s`", departure.Command("leave", account.Account))
		}
	})
	return nil
}

type cancelCmd struct {
	Account      string `arg:"" optional:"" help:"The account, where you are leaving more than one."`
	NotSubmitted bool   `help:"You did not ask the provider to delete the account: Find My Device may be turned on again."`
	PasswordFile string `help:"File with the account's password, for turning Find My Device on again; - is standard input." placeholder:"FILE"`
}

// Run gives the leaving up.
func (c cancelCmd) Run(s *session) error {
	account, info, err := s.leavingOf(c.Account)
	if err != nil {
		return err
	}
	proof, err := c.proof(s, info)
	if err != nil {
		return err
	}
	if info, err = s.client.Cancel(s.ctx, info.Departure.ID, c.NotSubmitted, proof); err != nil {
		return err
	}
	s.give("departure", info, func() {
		s.say("You are no longer leaving %s. Your copy stays where it is.", printable(account.Identity))
	})
	return nil
}

// proof is the password, where Find My Device was turned off by us.
func (c cancelCmd) proof(s *session, info agent.DepartureInfo) (string, error) {
	if c.PasswordFile != "" {
		return s.questions.secretFile(s.ctx, c.PasswordFile)
	}
	if !c.NotSubmitted || !s.terminal {
		return "", nil
	}
	for _, a := range info.Acts {
		if _, ok := a.Effect.Implementer(); ok && a.State == departure.ActDone {
			return s.questions.secret(s.ctx, "The account's password, to turn Find My Device on again (empty leaves it off):")
		}
	}
	return "", nil
}
