package cli

import (
	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

type overviewCmd struct{}

// Run shows the accounts and the one next command.
func (overviewCmd) Run(s *session) error {
	all, err := s.client.Accounts(s.ctx)
	if err != nil {
		return err
	}
	s.give("accounts", all, func() {
		s.showAccounts(all)
		s.say("")
		s.say("Next: `%s`", nextCommand(all))
	})
	return nil
}

// nextCommand goes on with what was begun, or begins with a look that writes
// nothing.
func nextCommand(all []agent.AccountInfo) string {
	if len(all) == 0 {
		return "clearance accounts add PROVIDER NAME"
	}
	for _, a := range all {
		if a.Departure != "" {
			return departure.Command("leave", a.Account)
		}
	}
	return departure.Command("plan", all[0].Account)
}

func (s *session) showAccounts(all []agent.AccountInfo) {
	if len(all) == 0 {
		s.say("No account is signed in on this device, and you have named none.")
		return
	}
	s.say("Your accounts:")
	for _, a := range all {
		state := "signed in at this device"
		if a.Declared {
			state = "not on this device, named by you"
		}
		if a.Departure != "" {
			state = "you are leaving it"
		}
		s.say("  %s  %s (%s)", printable(a.Identity), printable(a.ProviderName), state)
	}
}
