package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// AddSource adds a folder or file as a source of an account.
func (s *Service) AddSource(ctx context.Context, by Caller, account string, dataset departure.Dataset, path string) (AccountInfo, error) {
	if !dataset.Known() {
		return AccountInfo{}, invalid(fmt.Sprintf("%q is none of photos, contacts, notes, calendars, files", dataset))
	}
	a, err := s.account(ctx, by, account)
	if err != nil {
		return AccountInfo{}, err
	}
	given, err := s.cfg.Worker.InspectSource(ctx, dataset, path, a.Given)
	if err != nil {
		return AccountInfo{}, s.told(err)
	}
	if slices.ContainsFunc(a.Given, func(g engine.GivenSource) bool { return g.ID == given.ID }) {
		return a, nil
	}
	for _, g := range a.Given {
		if g.Dataset == given.Dataset && (within(g.Path, given.Path) || within(given.Path, g.Path)) {
			return AccountInfo{}, invalid(fmt.Sprintf("%s lies in or around %s, which was given already: its %s would count twice", given.Path, g.Path, given.Dataset))
		}
	}
	return s.setGiven(ctx, by, a, append(slices.Clone(a.Given), given), "")
}

// within reports whether a path lies beneath a folder; both are clean.
func within(folder, at string) bool {
	return strings.HasPrefix(at, strings.TrimSuffix(folder, "/")+"/")
}

// RemoveSource takes a given source away again.
func (s *Service) RemoveSource(ctx context.Context, by Caller, account string, source departure.SourceID) (AccountInfo, error) {
	a, err := s.account(ctx, by, account)
	if err != nil {
		return AccountInfo{}, err
	}
	kept := slices.DeleteFunc(slices.Clone(a.Given), func(g engine.GivenSource) bool { return g.ID == source })
	if len(kept) == len(a.Given) {
		return AccountInfo{}, &Error{Kind: KindNotFound, Text: "no such folder was given for this account"}
	}
	return s.setGiven(ctx, by, a, kept, source)
}

func (s *Service) setGiven(ctx context.Context, by Caller, a AccountInfo, given []engine.GivenSource, removed departure.SourceID) (AccountInfo, error) {
	if err := s.cfg.Store.SetGiven(ctx, a.ID, given); err != nil {
		return AccountInfo{}, s.told(err)
	}
	if a.Departure != "" {
		err := s.engine.Update(ctx, a.Departure, func(rec *engine.Record) ([]engine.Event, error) {
			rec.Given = given
			rec.Sources = slices.DeleteFunc(rec.Sources, func(k departure.KnownSource) bool { return k.Source.ID == removed })
			return nil, nil
		})
		if err != nil {
			return AccountInfo{}, s.told(err)
		}
	}
	return s.account(ctx, by, a.ID)
}
