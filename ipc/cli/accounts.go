package cli

import (
	"fmt"
	"path/filepath"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

type accountsCmd struct {
	List accountsListCmd `cmd:"" default:"1" help:"Show your accounts."`
	Add  accountsAddCmd  `cmd:"" help:"Name an account that is not on this device."`
}

type accountsListCmd struct{}

// Run lists the accounts.
func (accountsListCmd) Run(s *session) error {
	list, err := s.client.Accounts(s.ctx)
	if err != nil {
		return err
	}
	s.giveAccounts(list, func() { s.showAccounts(list) })
	return nil
}

type accountsAddCmd struct {
	Provider string `arg:"" help:"The provider, as in clearance providers."`
	Name     string `arg:"" help:"The account's name at the provider."`
}

// Run names an account.
func (c accountsAddCmd) Run(s *session) error {
	account, err := s.client.AddAccount(s.ctx, c.Provider, c.Name)
	if err != nil {
		return err
	}
	s.give("account", account, func() {
		s.say("%s at %s is in your list. Nothing of it is on this device, so give what you exported, and count what its own page shows.",
			printable(account.Identity), printable(account.ProviderName))
		s.say("Next: `%s`", departure.Command("sources add", account.Account, "photos", "FOLDER"))
	})
	return nil
}

type sourcesCmd struct {
	List   sourcesListCmd   `cmd:"" default:"withargs" help:"Show what you gave."`
	Add    sourcesAddCmd    `cmd:"" help:"Give a folder, a file, or an export as it was downloaded."`
	Remove sourcesRemoveCmd `cmd:"" help:"Take a folder or file back."`
}

type sourcesListCmd struct {
	Account string `arg:"" help:"The account."`
}

// Run lists what was given.
func (c sourcesListCmd) Run(s *session) error {
	account, err := s.account(c.Account)
	if err != nil {
		return err
	}
	s.showGiven(account)
	return nil
}

func (s *session) showGiven(account agent.AccountInfo) {
	s.give("account", account, func() {
		if len(account.Given) == 0 {
			s.say("You gave no folder or file for %s.", printable(account.Identity))
		}
		for _, g := range account.Given {
			s.say("  %-9s %s", g.Dataset, printable(g.Path))
		}
	})
}

// sourceArgs name a folder or file of an account.
type sourceArgs struct {
	Account string            `arg:"" help:"The account."`
	What    departure.Dataset `arg:"" help:"What is in it: photos, contacts, notes, calendars or files."`
	Path    string            `arg:"" help:"The folder, file or archive."`
}

// find is the account, and the whole path.
func (c sourceArgs) find(s *session) (account agent.AccountInfo, path string, err error) {
	if account, err = s.account(c.Account); err != nil {
		return account, "", err
	}
	if path, err = filepath.Abs(c.Path); err != nil {
		return account, "", fmt.Errorf("cannot find the folder: %w", err)
	}
	return account, path, nil
}

type sourcesAddCmd struct{ sourceArgs }

// Run gives a folder or file.
func (c sourcesAddCmd) Run(s *session) error {
	account, path, err := c.find(s)
	if err != nil {
		return err
	}
	if account, err = s.client.AddSource(s.ctx, account.ID, c.What, path); err != nil {
		return err
	}
	s.showGiven(account)
	return nil
}

type sourcesRemoveCmd struct{ sourceArgs }

// Run takes a folder or file back.
func (c sourcesRemoveCmd) Run(s *session) error {
	account, path, err := c.find(s)
	if err != nil {
		return err
	}
	id := departure.SourceID(c.Path)
	for _, g := range account.Given {
		if g.Path == path && g.Dataset == c.What {
			id = g.ID
		}
	}
	if account, err = s.client.RemoveSource(s.ctx, account.ID, id); err != nil {
		return err
	}
	s.showGiven(account)
	return nil
}
