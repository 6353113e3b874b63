package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/provider"
)

// StartDeparture begins to leave an account, or raises a finished sign-out to a
// deletion.
func (s *Service) StartDeparture(ctx context.Context, by Caller, req StartRequest) (DepartureInfo, error) {
	a, err := s.account(ctx, by, req.Account)
	if err != nil {
		return DepartureInfo{}, err
	}
	if req.Fate == "" {
		req.Fate = departure.KeptDevice
	}
	profile := s.cfg.Profiles.Lookup(a.Provider)
	if req.Intent == departure.Delete && req.Path == "" && len(profile.Deletion) > 0 {
		req.Path = profile.Deletion[0].ID
	}
	if err := checkStart(req, profile); err != nil {
		return DepartureInfo{}, err
	}
	if a.Departure == "" && req.Intent == departure.Delete {
		if a.Departure, err = s.ended(ctx, a.ID); err != nil {
			return DepartureInfo{}, s.told(err)
		}
	}
	if a.Departure != "" {
		return s.raise(ctx, by, a, req)
	}
	if err := s.usable(a.Provider); err != nil {
		return DepartureInfo{}, err
	}
	rec := &engine.Record{
		Departure: departure.Departure{
			ID: engine.NewID(), Account: a.Account, Intent: req.Intent, Path: req.Path, Fate: req.Fate, Extra: req.Extra, Shared: req.Shared,
			Opened: s.cfg.Clock.Now(), By: callerName(by),
		},
		State: engine.Open, Until: departure.StepInventory, Given: a.Given,
	}
	if err := s.engine.Open(ctx, rec); err != nil {
		return DepartureInfo{}, s.told(err)
	}
	return s.Departure(ctx, by, rec.Departure.ID)
}

// ended is the sign-out of an account that ended and may be raised, "" where
// there is none, or the account is signed in here again.
func (s *Service) ended(ctx context.Context, account string) (string, error) {
	_, ended, _, err := s.departures(ctx)
	if err != nil || ended[account] == nil {
		return "", err
	}
	bound, err := s.cfg.Worker.Accounts(ctx)
	if err != nil || slices.ContainsFunc(bound, func(a departure.Account) bool { return a.ID == account }) {
		return "", err
	}
	return ended[account].Departure.ID, nil
}

func checkStart(req StartRequest, p provider.Profile) error {
	switch {
	case !req.Intent.Known():
		return invalid("say what you want: sign-out, switch or delete")
	case !req.Fate.Known():
		return invalid("say what becomes of this device: kept, wiped or returned")
	}
	for _, d := range req.Extra {
		if !d.Known() {
			return invalid(fmt.Sprintf("%q is none of photos, contacts, notes, calendars, files", d))
		}
	}
	if _, ok := p.Path(req.Path); req.Path != "" && !ok {
		var ids []string
		for _, path := range p.Deletion {
			ids = append(ids, path.ID)
		}
		return invalid(fmt.Sprintf("%s has no way to delete called %q; it has: %s", p.Name, req.Path, strings.Join(ids, ", ")))
	}
	return nil
}

// raise answers a start for an account that is being left already: the same
// again is the same, a deletion after a sign-out goes on.
func (s *Service) raise(ctx context.Context, by Caller, a AccountInfo, req StartRequest) (DepartureInfo, error) {
	info, err := s.Departure(ctx, by, a.Departure)
	if err != nil {
		return info, err
	}
	if req.Shared && !info.Departure.Shared {
		if err := s.engine.AddShared(ctx, a.Departure); err != nil {
			return DepartureInfo{}, s.told(err)
		}
		if info, err = s.Departure(ctx, by, a.Departure); err != nil {
			return info, err
		}
	}
	was := info.Departure.Intent
	if was != departure.Delete && req.Intent == departure.Delete {
		if err := s.usable(a.Provider); err != nil {
			return DepartureInfo{}, err
		}
		if err := s.engine.Raise(ctx, a.Departure, req.Path); err != nil {
			return DepartureInfo{}, s.told(err)
		}
		return s.Departure(ctx, by, a.Departure)
	}
	if was != req.Intent {
		return info, &Error{Kind: KindBusy, Text: fmt.Sprintf("this account is already being left (%s)", was),
			Remedy: &departure.Remedy{Code: "cancel", Text: "cancel that first", Command: departure.Command("cancel", a.Account)}}
	}
	return info, nil
}

// usable refuses to begin with a provider of which whoever runs this device
// wrote something that cannot be used: it may have said what would be lost.
func (s *Service) usable(id string) error {
	why := s.cfg.Profiles.Broken(id)
	if why == "" {
		return nil
	}
	return &Error{Kind: KindPolicyInvalid,
		Text: fmt.Sprintf("cannot begin: what this device's administrator wrote of %s cannot be used: %s", s.cfg.Profiles.Lookup(id).Name, why),
		Remedy: &departure.Remedy{Code: "providers", Text: "see what is wrong, let the administrator correct it, and start the agent anew",
			Command: "clearance providers lint " + provider.OverrideFolder}}
}

func callerName(by Caller) string {
	if !by.Known {
		return "nobody"
	}
	return fmt.Sprintf("uid:%d", by.UID)
}
