package cli

import (
	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

type overviewCmd struct{}

// Run shows the accounts and the one next command.
func (overviewCmd) Run(s *session) error {
	list, err := s.client.Accounts(s.ctx)
	if err != nil {
		return err
	}
	s.giveAccounts(list, func() {
		s.showAccounts(list)
		s.say("")
		s.say("Next: `%s`", nextCommand(list.Accounts))
	})
	return nil
}

// giveAccounts prints the accounts, and why there may be more.
func (s *session) giveAccounts(list agent.AccountList, text func()) {
	if !s.json {
		text()
		return
	}
	parts := map[string]any{"accounts": list.Accounts}
	if list.More != "" {
		parts["more"] = list.More
	}
	s.documentOf(parts)
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

func (s *session) showAccounts(list agent.AccountList) {
	if len(list.Accounts) == 0 {
		s.say("No account is signed in on this device, and you have named none.")
		return
	}
	s.say("Your accounts:")
	for _, a := range list.Accounts {
		state := "signed in at this device"
		if a.Declared {
			state = "not on this device, named by you"
		}
		if a.Departure != "" {
			state = "you are leaving it"
		}
		s.say("  %s  %s (%s)", printable(a.Identity), printable(a.ProviderName), state)
	}
	if list.More != "" {
		s.para("", "There may be more: "+list.More)
	}
}
