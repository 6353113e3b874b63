package cli

import (
	"fmt"
	"strings"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/ipc/api"
)

// account finds the one account that a person means: by id, by identity, or by
// the unambiguous beginning of either it or "provider/identity".
func (s *session) account(name string) (agent.AccountInfo, error) {
	list, err := s.client.Accounts(s.ctx)
	if err != nil {
		return agent.AccountInfo{}, err
	}
	account, err := pick(list.Accounts, name)
	if err != nil && list.More != "" && api.Tell(err).Kind == agent.KindNotFound {
		err = &agent.Error{Kind: agent.KindUnavailable, Text: fmt.Sprintf("there is no account %q among those that can be seen: %s", name, list.More), Remedy: seeAccounts}
	}
	return account, err
}

// seeAccounts is what to do where no one account is meant.
var seeAccounts = &departure.Remedy{Code: "accounts", Text: "see your accounts", Command: "clearance accounts"}

func pick(all []agent.AccountInfo, name string) (agent.AccountInfo, error) {
	var near []agent.AccountInfo
	for _, a := range all {
		full := a.Provider + "/" + a.Identity
		if name == a.ID || name == a.Identity || name == full {
			return a, nil
		}
		if strings.HasPrefix(a.Identity, name) || strings.HasPrefix(full, name) || strings.HasPrefix(a.ID, name) {
			near = append(near, a)
		}
	}
	switch {
	case name == "" || len(near) == 0:
		return agent.AccountInfo{}, &agent.Error{Kind: agent.KindNotFound, Text: fmt.Sprintf("there is no account %q here", name), Remedy: seeAccounts}
	case len(near) > 1:
		return agent.AccountInfo{}, &agent.Error{Kind: agent.KindInvalid, Text: fmt.Sprintf("%q may mean %d accounts: write more of its name", name, len(near)), Remedy: seeAccounts}
	}
	return near[0], nil
}

// leavingOf is the open leaving of an account. Without a name it is the only
// one that is open.
func (s *session) leavingOf(name string) (agent.AccountInfo, agent.DepartureInfo, error) {
	account, err := s.meant(name)
	if err != nil {
		return account, agent.DepartureInfo{}, err
	}
	if account.Departure == "" {
		return account, agent.DepartureInfo{}, &agent.Error{Kind: agent.KindNotFound, Text: "you are not leaving " + account.Identity + " yet",
			Remedy: &departure.Remedy{Code: "leave", Text: "begin", Command: departure.Command("leave", account.Account)}}
	}
	info, err := s.client.Departure(s.ctx, account.Departure)
	return account, info, err
}

func (s *session) meant(name string) (agent.AccountInfo, error) {
	if name != "" {
		return s.account(name)
	}
	list, err := s.client.Accounts(s.ctx)
	if err != nil {
		return agent.AccountInfo{}, err
	}
	var open []agent.AccountInfo
	for _, a := range list.Accounts {
		if a.Departure != "" {
			open = append(open, a)
		}
	}
	if len(open) != 1 {
		return agent.AccountInfo{}, &agent.Error{Kind: agent.KindInvalid, Text: fmt.Sprintf("you are leaving %d accounts: say which one is meant", len(open)), Remedy: seeAccounts}
	}
	return open[0], nil
}

// everyLeaving are all that were ever begun, newest first.
func (s *session) everyLeaving() ([]agent.DepartureInfo, error) {
	var all []agent.DepartureInfo
	page := agent.Page{}
	for {
		next, err := s.client.Departures(s.ctx, page)
		if err != nil {
			return nil, err
		}
		all = append(all, next.Departures...)
		if next.Next == "" || len(all) >= maxLeavings {
			return all, nil
		}
		page.After = next.Next
	}
}

// maxLeavings bounds a list that a person reads.
const maxLeavings = 1000
