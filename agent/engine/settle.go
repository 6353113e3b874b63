package engine

import (
	"slices"

	"github.com/clearance-project/clearance/agent/departure"
)

// settle holds what was seen against the record: new sources and sign-ins are
// remembered, acts get their end, rows of the seal break or heal. It decides
// nothing and does nothing.
func (e *Engine) settle(rec *Record, s seen, p departure.Profile, pol departure.Policy) []Event {
	var evs []Event
	evs = append(evs, e.settleTrackers(rec, s.trackers)...)
	if !s.look.At.IsZero() {
		if s.look.Complete {
			evs = append(evs, e.settleBindings(rec, s.look)...)
		}
		if rec.Separate == nil && s.look.Complete {
			rec.Separate = slices.Clone(s.look.Others)
			if rec.Separate == nil {
				rec.Separate = []departure.OtherHolder{}
			}
		}
		e.settleSources(rec, s.look)
		if kinds := departure.RememberKinds(rec.Kinds, s.look.Kinds); len(kinds) > len(rec.Kinds) {
			rec.Kinds = kinds
		}
		if s.look.Copy.BagID != "" && rec.Destination.BagID == "" && s.look.Copy.Present {
			rec.Destination.BagID, rec.Destination.Disk = s.look.Copy.BagID, s.look.Copy.Disk
		}
		evs = append(evs, e.settleSeal(rec, s, p, pol)...)
	}
	return evs
}

// settleTrackers remembers the implementers that were met, and gives the acts
// on them their end by what they say now.
func (e *Engine) settleTrackers(rec *Record, ts departure.Trackers) []Event {
	var evs []Event
	for _, t := range ts.Seen {
		if !slices.Contains(rec.Trackers, t.Name) {
			rec.Trackers = append(rec.Trackers, t.Name)
		}
		switch t.State {
		case departure.TrackerOff:
			evs = append(evs, e.settleAct(rec, departure.FindMyEffect(t.Name), departure.ActDone, "")...)
		case departure.TrackerOn:
			evs = append(evs, e.settleAct(rec, departure.FindMyEffect(t.Name), departure.ActInterrupted, "it is still on")...)
		}
	}
	return evs
}

// settleAct ends an act whose intent row has no end yet.
func (e *Engine) settleAct(rec *Record, effect departure.Effect, state departure.ActState, why string) []Event {
	for i := range rec.Acts {
		a := &rec.Acts[i]
		if a.Effect != effect || a.State != departure.ActIntended {
			continue
		}
		a.State, a.EndAt = state, e.cfg.Clock.Now()
		if a.Why == "" {
			a.Why = why
		}
		return []Event{e.event(rec, "act."+string(state), actText(effect, state))}
	}
	return nil
}

func actText(effect departure.Effect, state departure.ActState) string {
	what := "signing out here"
	if _, ok := effect.Implementer(); ok {
		what = "turning Find My Device off"
	}
	switch state {
	case departure.ActDone:
		return what + ": done, and read back"
	case departure.ActInterrupted:
		return what + ": nothing was changed"
	}
	return what + ": begun"
}

// settleBindings follows every sign-in of the account on this device. A known
// one counts as gone only when the look says so by its id.
func (e *Engine) settleBindings(rec *Record, look departure.Look) []Event {
	var evs []Event
	now := e.cfg.Clock.Now()
	unbound := departure.Unbound(rec.Bindings)
	for _, b := range look.Bindings {
		i := slices.IndexFunc(rec.Bindings, func(k departure.KnownBinding) bool { return k.ID == b.ID })
		effect := departure.UnbindEffect(b.ID)
		switch b.State {
		case departure.BindingPresent:
			evs = append(evs, e.settleAct(rec, effect, departure.ActInterrupted, "it is still signed in")...)
			if i < 0 {
				rec.Bindings = append(rec.Bindings, departure.KnownBinding{ID: b.ID, Kind: b.Kind, Name: b.Name, Carries: b.Carries, CameBack: unbound})
				if unbound {
					evs = append(evs, e.event(rec, "came-back", "the account was signed in here again"))
				}
			} else if k := &rec.Bindings[i]; !k.GoneAt.IsZero() && !k.CameBack {
				k.CameBack = true
				evs = append(evs, e.event(rec, "came-back", "the account was signed in here again"))
			}
		case departure.BindingGone, departure.BindingLeftover:
			if i < 0 {
				rec.Bindings = append(rec.Bindings, departure.KnownBinding{ID: b.ID, Kind: b.Kind, Name: b.Name, Carries: b.Carries})
				i = len(rec.Bindings) - 1
			}
			k := &rec.Bindings[i]
			if !k.GoneAt.IsZero() && !k.CameBack {
				continue
			}
			k.CameBack = false
			k.GoneAt = now
			done := e.settleAct(rec, effect, departure.ActDone, "")
			k.ByUs = len(done) > 0
			evs = append(evs, done...)
			evs = append(evs, e.voidGrants(rec, effect, "it was signed out without us")...)
		}
	}
	return evs
}

// voidGrants ends the unused grants of an effect.
func (e *Engine) voidGrants(rec *Record, effect departure.Effect, why string) []Event {
	var evs []Event
	for i := range rec.Grants {
		if g := &rec.Grants[i]; g.Effect == effect && g.UsedAt.IsZero() && g.VoidAt.IsZero() {
			g.VoidAt, g.VoidWhy = e.cfg.Clock.Now(), why
			evs = append(evs, e.event(rec, "grant.void", "an authorisation was not needed: "+why))
		}
	}
	return evs
}

// settleSources remembers what each source held at its last full listing. A
// drop that nobody accepted does not overwrite the number it fell from.
func (e *Engine) settleSources(rec *Record, look departure.Look) {
	var auth *departure.Authorisation
	if n := len(rec.Authorisations); n > 0 {
		auth = &rec.Authorisations[n-1]
	}
	for _, l := range look.Listings {
		if !l.Complete {
			continue
		}
		i := slices.IndexFunc(rec.Sources, func(k departure.KnownSource) bool { return k.Source.ID == l.Source.ID })
		if i < 0 {
			rec.Sources = append(rec.Sources, departure.KnownSource{Source: l.Source, Items: l.Items})
			continue
		}
		k := &rec.Sources[i]
		if departure.Fell(k.Items, l.Items) && !dropAccepted(rec, auth, *k, l) {
			continue
		}
		k.Items, k.Source = l.Items, l.Source
	}
}

func dropAccepted(rec *Record, auth *departure.Authorisation, k departure.KnownSource, l departure.Listing) bool {
	list := departure.DropList(l.Source.ID, k.Items, l.Items)
	return slices.ContainsFunc(rec.Words, func(w departure.Word) bool {
		return w.Check == departure.InventoryComplete && w.Kind == departure.Accept && w.List == list && auth.Carries(w)
	})
}

// settleSeal breaks the rows whose source is no longer as sealed, and heals
// them once what is new is in the copy, read back, and the source was listed
// in full again. Before the first irreversible act a row is not healed: the
// seal is taken anew.
func (e *Engine) settleSeal(rec *Record, s seen, p departure.Profile, pol departure.Policy) []Event {
	if rec.Seal == nil {
		return nil
	}
	irreversible := departure.Unbound(rec.Bindings) || slices.ContainsFunc(rec.Acts, func(a departure.Act) bool { return a.State != departure.ActInterrupted })
	safe := irreversible && e.copyHolds(rec, s, p, pol)
	var evs []Event
	for i := range rec.Seal.Rows {
		row := &rec.Seal.Rows[i]
		l, ok := listingOf(s.look, row.Source.ID)
		if !ok && !row.Intact && safe && trashed(s.look, row.Source.ID) {
			row.Intact, row.Why = true, departure.Reason{}
			evs = append(evs, e.event(rec, "seal.healed", "what was new is in the copy and was read back"))
		}
		if !ok || !l.Complete || (row.Intact && l.Keys == row.Keys) {
			continue
		}
		if safe {
			*row = sealRow(l)
			evs = append(evs, e.event(rec, "seal.healed", "what was new is in the copy and was read back"))
			continue
		}
		if row.Intact {
			row.Intact = false
			row.Why = departure.Reason{Code: "changed", Text: l.Source.Name + " changed after the last look"}
			evs = append(evs, e.event(rec, "seal.broken", "something changed after the last look"))
		}
	}
	if !safe {
		return evs
	}
	for _, l := range s.look.Listings {
		if l.Complete && rec.Departure.Required(l.Source) && rec.Seal.Row(l.Source.ID) == nil {
			rec.Seal.Rows = append(rec.Seal.Rows, sealRow(l))
			evs = append(evs, e.event(rec, "seal.grown", "a place that appeared after the last look is in the copy"))
		}
	}
	return evs
}

// trashed reports whether everything that a vanished source held was kept by the
// platform and is listed in full: where the copy holds, it is in the copy.
func trashed(look departure.Look, id departure.SourceID) bool {
	return slices.ContainsFunc(look.Listings, func(l departure.Listing) bool { return l.Source.TrashOf == id && l.Complete })
}

func sealRow(l departure.Listing) departure.SealRow {
	return departure.SealRow{Source: l.Source, Keys: l.Keys, Items: l.Items, End: l.EndedAt, Intact: true}
}

// copyHolds reports whether, as seen now, every required item is in the copy or
// an accepted failure, and the copy was read back.
func (e *Engine) copyHolds(rec *Record, s seen, p departure.Profile, pol departure.Policy) bool {
	v := departure.Evaluate(s.facts(rec, e.cfg.Assured), p, pol, e.cfg.Clock.Now())
	need := []departure.CheckID{departure.BackupVerified, departure.DestinationApart, departure.InventoryComplete}
	for _, d := range departure.Datasets {
		need = append(need, departure.BackupOf(d))
	}
	for _, id := range need {
		if c, ok := v.Checks.Get(id); !ok || !c.Status.Holds() {
			return false
		}
	}
	return true
}

func listingOf(look departure.Look, id departure.SourceID) (departure.Listing, bool) {
	for _, l := range look.Listings {
		if l.Source.ID == id {
			return l, true
		}
	}
	return departure.Listing{}, false
}

// reached notes when each step was last found to hold, and closes a departure
// whose own end is reached.
func (e *Engine) reached(rec *Record, f departure.Facts, v departure.Verdict) []Event {
	var evs []Event
	now := e.cfg.Clock.Now()
	for _, s := range departure.Steps {
		holds, why := holds(s, f, v)
		i := slices.IndexFunc(rec.Reached, func(r Reached) bool { return r.Step == s })
		if i < 0 {
			rec.Reached = append(rec.Reached, Reached{Step: s})
			i = len(rec.Reached) - 1
		}
		r := &rec.Reached[i]
		if !holds {
			r.Digest, r.Why = "", why
			continue
		}
		if r.Digest != v.Basis {
			if r.Digest == "" {
				evs = append(evs, e.event(rec, "step."+string(s), "step "+string(s)+" holds"))
			}
			r.At, r.Digest, r.Why = now, v.Basis, ""
		}
	}
	if v.Complete && rec.State == Open {
		rec.State, rec.Closed = Finished, now
		evs = append(evs, e.event(rec, "finished", "the leaving is complete"))
	}
	return evs
}

// revokeOther revokes the permits that rest on another verdict than this one.
func (e *Engine) revokeOther(rec *Record, v departure.Verdict) []Event {
	now := e.cfg.Clock.Now()
	var evs []Event
	for i := range rec.Permits {
		p := &rec.Permits[i]
		if !p.Live(now) || (v.Ready && p.Basis == v.Basis) {
			continue
		}
		why := "something changed after it was given"
		for _, c := range v.Checks.Open() {
			// That an act needs leave again only follows from what happened.
			if c.ID != departure.AuthorizeGranted && c.ID != departure.SealRecent {
				why = c.Reason.Text
				break
			}
		}
		p.RevokedAt, p.RevokedWhy = now, why
		evs = append(evs, e.event(rec, "permit.revoked", "a permit no longer counts: "+why))
	}
	return evs
}
