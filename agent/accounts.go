package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/provider"
)

// Accounts lists the accounts bound on this device and those that the person
// declared. It fails where none is known and there may be some.
func (s *Service) Accounts(ctx context.Context, by Caller) (AccountList, error) {
	known, err := s.accounts(ctx)
	switch {
	case err != nil:
		return AccountList{}, s.told(err)
	case known.unlisted == nil:
		return AccountList{Accounts: known.all}, nil
	case len(known.all) == 0:
		return AccountList{}, s.told(known.unlisted)
	}
	return AccountList{Accounts: known.all, More: s.told(known.unlisted).Text}, nil
}

// accounts are those that are known.
type accounts struct {
	all      []AccountInfo
	bound    int   // so many of them, the first, are signed in on this device
	unlisted error // why more may be
}

func (s *Service) accounts(ctx context.Context) (known accounts, err error) {
	bound, unlisted := s.cfg.Worker.Accounts(ctx)
	if errors.Is(unlisted, engine.ErrNoWorker) {
		unlisted = nil
	}
	known = accounts{all: []AccountInfo{}, unlisted: unlisted}
	declared, err := s.cfg.Store.Declared(ctx)
	if err != nil {
		return accounts{}, err
	}
	open, _, left, err := s.departures(ctx)
	if err != nil {
		return accounts{}, err
	}
	known.add(s.cfg.Profiles, bound)
	known.bound = len(known.all)
	known.add(s.cfg.Profiles, declared)
	known.add(s.cfg.Profiles, left) // one that was signed out is still being left, or may be deleted yet
	for i := range known.all {
		a := &known.all[i]
		if rec, ok := open[a.ID]; ok {
			a.Departure = rec.Departure.ID
		}
		if a.Given, err = s.cfg.Store.Given(ctx, a.ID); err != nil {
			return accounts{}, err
		}
	}
	return known, nil
}

// add takes those that are not there yet.
func (k *accounts) add(profiles *provider.Catalogue, list []departure.Account) {
	for _, a := range list {
		if k.find(a.ID) < 0 {
			k.all = append(k.all, AccountInfo{Account: a, ProviderName: profiles.Lookup(a.Provider).Name})
		}
	}
}

// find is where the account with this id stands, or less than 0.
func (k *accounts) find(id string) int {
	return slices.IndexFunc(k.all, func(a AccountInfo) bool { return a.ID == id })
}

// departures are, by account id, the open records and the sign-outs that ended
// and may still be raised to a deletion; accounts are those of both, the one that
// was left last first.
func (s *Service) departures(ctx context.Context) (open, ended map[string]*engine.Record, accounts []departure.Account, err error) {
	open, ended = make(map[string]*engine.Record), make(map[string]*engine.Record)
	err = s.engine.Each(ctx, func(rec *engine.Record) error {
		id := rec.Departure.Account.ID
		switch {
		case rec.State == engine.Open:
			open[id] = rec
		case rec.State == engine.Finished && rec.Departure.Intent != departure.Delete && ended[id] == nil:
			ended[id] = rec // the newest comes first
		default:
			return nil
		}
		accounts = append(accounts, rec.Departure.Account)
		return nil
	})
	return open, ended, accounts, err
}

// account is one of them. While some of this device's cannot be listed it is one
// that is signed in here, or being left: its record says what it is.
func (s *Service) account(ctx context.Context, by Caller, id string) (AccountInfo, error) {
	known, err := s.accounts(ctx)
	if err != nil {
		return AccountInfo{}, s.told(err)
	}
	i := known.find(id)
	if i >= 0 && (known.unlisted == nil || i < known.bound || known.all[i].Departure != "") {
		return known.all[i], nil
	}
	if known.unlisted != nil {
		return AccountInfo{}, s.told(known.unlisted)
	}
	return AccountInfo{}, &Error{Kind: KindNotFound, Text: "there is no such account on this device",
		Remedy: &departure.Remedy{Code: "accounts", Text: "see the accounts", Command: "clearance accounts"}}
}

// AddAccount declares an account of which nothing is on this device.
func (s *Service) AddAccount(ctx context.Context, by Caller, providerID, identity string) (AccountInfo, error) {
	identity = strings.TrimSpace(identity)
	p := s.cfg.Profiles.Lookup(providerID)
	switch {
	case !p.Known:
		return AccountInfo{}, &Error{Kind: KindInvalid, Text: fmt.Sprintf("%q is not a provider that the agent knows enough of", providerID),
			Remedy: &departure.Remedy{Code: "providers", Text: "see those it knows", Command: "clearance providers"}}
	case identity == "" || len(identity) > 200 || strings.ContainsFunc(identity, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return AccountInfo{}, invalid("give the account's name at the provider, one line of at most 200 characters")
	}
	a := departure.Account{ID: departure.AccountID(p.ID, identity), Provider: p.ID, Identity: identity, Name: identity, Declared: true}
	known, err := s.accounts(ctx)
	if err != nil {
		return AccountInfo{}, s.told(err)
	}
	if i := known.find(a.ID); i >= 0 {
		return known.all[i], nil
	}
	if known.unlisted != nil { // it may be on this device
		return AccountInfo{}, s.told(known.unlisted)
	}
	if err := s.cfg.Store.Declare(ctx, a); err != nil {
		return AccountInfo{}, s.told(err)
	}
	return s.account(ctx, by, a.ID)
}

// Credential hands the account's password to the worker's memory.
func (s *Service) Credential(ctx context.Context, by Caller, account, password string) error {
	a, err := s.account(ctx, by, account)
	if err != nil {
		return err
	}
	if a.Departure == "" {
		return &Error{Kind: KindNotFound, Text: "this account is not being left, so its password is not needed"}
	}
	if err := s.engine.Credential(ctx, a.Departure, password); err != nil {
		return s.told(err)
	}
	return nil
}
