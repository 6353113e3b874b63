package agent

import (
	"context"
	"fmt"
	"slices"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// Departure is a departure as it stands.
func (s *Service) Departure(ctx context.Context, by Caller, id string) (DepartureInfo, error) {
	snap, _, err := s.engine.Snapshot(ctx, id)
	if err != nil {
		return DepartureInfo{}, s.told(err)
	}
	return s.shown.of(snap, s.live(snap), s.info), nil
}

// Departures pages through the departures, newest first.
func (s *Service) Departures(ctx context.Context, by Caller, page Page) (DeparturePage, error) {
	switch {
	case page.Limit < 0 || page.Limit > 1000:
		return DeparturePage{}, invalid("a page has 1 to 1,000 entries")
	case page.Limit == 0:
		page.Limit = 100
	}
	ids, err := s.cfg.Store.List(ctx, page.After, page.Limit)
	if err != nil {
		return DeparturePage{}, s.told(err)
	}
	var out DeparturePage
	for _, id := range ids {
		info, err := s.Departure(ctx, by, id)
		if err != nil {
			return DeparturePage{}, err
		}
		out.Departures = append(out.Departures, info)
	}
	if len(ids) == page.Limit {
		out.Next = ids[len(ids)-1]
	}
	return out, nil
}

func (s *Service) info(snap engine.Snapshot, live Live) DepartureInfo {
	rec, f := snap.Record, snap.Facts
	p := s.cfg.Profiles.Lookup(rec.Departure.Account.Provider)
	info := DepartureInfo{
		Departure: rec.Departure, State: rec.State, ProviderName: p.Name,
		Step: firstOpen(rec), Until: rec.Until, Running: snap.Running != "",
		Live: live, Verdict: snap.Verdict, Progress: snap.Progress,
		Waiting: snap.Waiting, WaitingWhy: snap.WaitingWhy,
		Destination: rec.Destination, Copy: f.Look.Copy, Kept: f.Look.Kept,
		Bindings: f.Look.Bindings, Trackers: f.Trackers.Seen, TrackersHere: f.Trackers.Here, Kinds: rec.Kinds, Devices: rec.Devices, Listings: f.Look.Listings,
		Words: rec.Words, WordsDigest: departure.WordsDigest(rec.Words), Acts: rec.Acts, Reached: rec.Reached,
		Submitted: rec.Submitted, Epoch: snap.Epoch, Given: rec.Given, Separate: rec.Separate,
	}
	if path, ok := p.Path(rec.Departure.Path); ok {
		pi := pathInfo(path, rec.Departure.Account.Identity)
		info.Path = &pi
	}
	if n := len(rec.Authorisations); n > 0 {
		info.Authorised = &rec.Authorisations[n-1]
	}
	for _, permit := range rec.Permits {
		info.Permits = append(info.Permits, permitInfo(permit))
	}
	return info
}

// live is what a person sees at this moment.
func (s *Service) live(snap engine.Snapshot) Live {
	now := s.cfg.Clock.Now()
	wasReady := snap.Verdict.Ready
	switch {
	case snap.Record.State != engine.Open:
		return LiveClosed
	case wasReady && snap.Stale:
		return LiveStop
	case snap.Err != nil || (!snap.Verdict.Until.IsZero() && now.After(snap.Verdict.Until) && !snap.Stale):
		return LiveBlind
	case snap.Verdict.At.IsZero() && snap.Facts.Health.Why.Text != "":
		return LiveBlind
	case snap.Verdict.At.IsZero():
		return LiveChecking
	case everReady(snap.Record) && !wasReady && snap.Record.Submitted.IsZero():
		return LiveStop
	case snap.Stale:
		return LiveChecking
	case wasReady:
		return LiveReady
	}
	return LiveNotReady
}

// everReady reports whether it was ever ready: who saw "ready" must hear "stop",
// not merely "not ready".
func everReady(rec *engine.Record) bool {
	return slices.ContainsFunc(rec.Reached, func(r engine.Reached) bool { return r.Step == departure.StepPermit && !r.At.IsZero() })
}

func firstOpen(rec *engine.Record) departure.Step {
	for _, s := range departure.Steps {
		i := slices.IndexFunc(rec.Reached, func(r engine.Reached) bool { return r.Step == s })
		if i < 0 || rec.Reached[i].Digest == "" {
			return s
		}
	}
	return departure.StepTrack
}

func permitInfo(p engine.Permit) PermitInfo {
	return PermitInfo{ID: p.ID, Audience: p.Audience, Issued: p.Issued, Expires: p.Expires, Revoked: p.RevokedWhy, Redeemed: p.RedeemedAt}
}

// Plan says what would be lost if the account were deleted now. It writes
// nothing.
func (s *Service) Plan(ctx context.Context, by Caller, account string) (JobInfo, error) {
	a, err := s.account(ctx, by, account)
	if err != nil {
		return JobInfo{}, err
	}
	return s.jobs.startLook(by, a.ID, "plan", func(ctx context.Context, report engine.Report, into *JobInfo) error {
		rec := &engine.Record{Departure: departure.Departure{Account: a.Account, Intent: departure.Delete, Fate: departure.KeptDevice}, Given: a.Given}
		if a.Departure != "" {
			if rec, err = s.cfg.Store.Load(ctx, a.Departure); err != nil {
				return err
			}
		}
		look, trackers, err := s.engine.Survey(ctx, rec, report)
		if err != nil {
			return err
		}
		look.Kinds = departure.RememberKinds(rec.Kinds, look.Kinds)
		into.Plan = planOf(rec.Departure, look, trackers, Catalogue{s.cfg.Profiles}.Profile(rec.Departure),
			s.cfg.Profiles.Lookup(rec.Departure.Account.Provider), s.cfg.Clock.Now())
		into.Plan.Replaced, into.Plan.Broken = s.cfg.Profiles.Replaced(a.Provider), s.cfg.Profiles.Broken(a.Provider)
		return nil
	})
}

// AtOwnRiskList is what will be lost if the account is deleted as things stand.
func (s *Service) AtOwnRiskList(ctx context.Context, by Caller, id string) ([]departure.Line, departure.Digest, error) {
	info, err := s.Departure(ctx, by, id)
	if err != nil {
		return nil, "", err
	}
	if len(info.Verdict.Checks) == 0 { // an empty list would say that nothing is lost
		return nil, "", &Error{Kind: KindUnavailable, Text: "nobody has looked yet since the agent was started: wait a moment and try again"}
	}
	var lost []departure.Line
	for _, c := range info.Verdict.Checks.Open() {
		lost = append(lost, departure.Line{ID: string(c.ID), Text: c.Reason.Text})
	}
	p := Catalogue{s.cfg.Profiles}.Profile(info.Departure)
	lost = append(lost, p.NotCovered(info.Kinds)...)
	return lost, departure.DigestOf("at-own-risk", lost), nil
}

// AtOwnRisk signs the list of what will be lost, over the digest of the list
// that the person was shown. It gives no permit.
func (s *Service) AtOwnRisk(ctx context.Context, by Caller, id string, list departure.Digest) (string, error) {
	lost, now, err := s.AtOwnRiskList(ctx, by, id)
	if err != nil {
		return "", err
	}
	if now != list {
		return "", &Error{Kind: KindStale, Text: "the list of what will be lost changed since you were shown it: read it again"}
	}
	info, err := s.Departure(ctx, by, id)
	if err != nil {
		return "", err
	}
	token, err := s.gate.List(info.Departure.Account, lost)
	if err != nil {
		return "", s.told(err)
	}
	err = s.engine.Update(ctx, id, func(rec *engine.Record) ([]engine.Event, error) {
		return []engine.Event{{At: s.cfg.Clock.Now(), Departure: id, Kind: "own-risk",
			Text: fmt.Sprintf("a list of %d losses was signed, at your own risk", len(lost))}}, nil
	})
	if err != nil {
		return "", s.told(err)
	}
	return token, nil
}
