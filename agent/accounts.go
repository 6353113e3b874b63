package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// Accounts lists the accounts bound on this device and those that the person
// declared.
func (s *Service) Accounts(ctx context.Context, by Caller) ([]AccountInfo, error) {
	infos, unlisted, err := s.accounts(ctx)
	if err == nil {
		err = unlisted
	}
	if err != nil {
		return nil, s.told(err)
	}
	return infos, nil
}

// accounts are those that are known; unlisted says why there may be more.
func (s *Service) accounts(ctx context.Context) (infos []AccountInfo, unlisted, err error) {
	bound, unlisted := s.cfg.Worker.Accounts(ctx)
	if errors.Is(unlisted, engine.ErrNoWorker) {
		unlisted = nil
	}
	declared, err := s.cfg.Store.Declared(ctx)
	if err != nil {
		return nil, nil, err
	}
	open, _, left, err := s.departures(ctx)
	if err != nil {
		return nil, nil, err
	}
	add := func(a departure.Account) {
		if slices.ContainsFunc(infos, func(i AccountInfo) bool { return i.ID == a.ID }) {
			return
		}
		infos = append(infos, AccountInfo{Account: a, ProviderName: s.cfg.Profiles.Lookup(a.Provider).Name})
	}
	for _, a := range slices.Concat(bound, declared, left) { // one that was signed out is still being left, or may be deleted yet
		add(a)
	}
	for i := range infos {
		if rec, ok := open[infos[i].ID]; ok {
			infos[i].Departure = rec.Departure.ID
		}
		if infos[i].Given, err = s.cfg.Store.Given(ctx, infos[i].ID); err != nil {
			return nil, nil, err
		}
	}
	return infos, unlisted, nil
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

// account is one of them. One that is being left is found while this device cannot
// be asked which there are: its record says what it is.
func (s *Service) account(ctx context.Context, by Caller, id string) (AccountInfo, error) {
	all, unlisted, err := s.accounts(ctx)
	if err != nil {
		return AccountInfo{}, s.told(err)
	}
	for _, a := range all {
		if a.ID == id && (unlisted == nil || a.Departure != "") {
			return a, nil
		}
	}
	if unlisted != nil {
		return AccountInfo{}, s.told(unlisted)
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
	all, err := s.Accounts(ctx, by)
	if err != nil {
		return AccountInfo{}, err
	}
	for _, k := range all {
		if k.ID == a.ID {
			return k, nil
		}
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
