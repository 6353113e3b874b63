package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/gate"
	"github.com/clearance-project/clearance/agent/policy"
	"github.com/clearance-project/clearance/agent/provider"
)

// Config is what a service is made of. Every field is needed.
type Config struct {
	Version  string
	Store    Store
	Worker   Worker
	Tracker  Tracker
	Clock    Clock
	Profiles *provider.Catalogue
	Rules    policy.Policy
	Assured  departure.Assurance
	Health   func() departure.Health
	Signer   gate.Signer
	// JWKS are the public keys of the signer, as JSON.
	JWKS   func() ([]byte, error)
	Secret []byte
	BootID string
	// Closed, when not empty, says why no permits are given here.
	Closed func() string
	// Doctor adds the parts that the platform knows of.
	Doctor func(context.Context) []DoctorEntry
}

// Service is the agent: all that a transport calls.
type Service struct {
	cfg    Config
	engine *engine.Engine
	gate   *gate.Gate
	jobs   *jobs
}

// NewService makes the agent; nothing runs before [Service.Start].
func NewService(cfg Config) *Service {
	e := engine.New(engine.Config{
		Store: cfg.Store, Worker: cfg.Worker, Tracker: cfg.Tracker, Clock: cfg.Clock,
		Catalogue: Catalogue{cfg.Profiles}, Policy: Policy{cfg.Rules}, Assured: cfg.Assured, Health: cfg.Health,
	})
	g := gate.New(gate.Config{Engine: e, Signer: cfg.Signer, Secret: cfg.Secret, BootID: cfg.BootID, Closed: cfg.Closed})
	return &Service{cfg: cfg, engine: e, gate: g, jobs: newJobs()}
}

// Start revokes what was given before, and runs the open departures. It must
// end before anything is served.
func (s *Service) Start(ctx context.Context) error { return s.engine.Start(ctx) }

// Close ends every job and departure goroutine and waits for them. What was
// done stays done.
func (s *Service) Close() {
	s.jobs.close()
	s.engine.Close()
}

// Disturbed revokes every permit: the agent lost sight of something.
func (s *Service) Disturbed(ctx context.Context, why string) error {
	return s.engine.Disturbed(ctx, why)
}

// Version is the agent's version.
func (s *Service) Version() string { return s.cfg.Version }

// PublicKeys are the keys that permits are checked with, a JWKS (RFC 7517).
func (s *Service) PublicKeys(context.Context) ([]byte, error) { return s.cfg.JWKS() }

// Providers is the catalogue.
func (s *Service) Providers(context.Context) ([]ProviderInfo, error) {
	var ps []ProviderInfo
	for _, p := range s.cfg.Profiles.List() {
		info := ProviderInfo{ID: p.ID, Name: p.Name, Known: p.Known}
		for _, path := range p.Deletion {
			info.Paths = append(info.Paths, pathInfo(path, ""))
		}
		for _, f := range p.Facts {
			info.Facts = append(info.Facts, FactInfo{Text: f.Text, Source: f.Source, Confidence: string(f.Confidence)})
		}
		ps = append(ps, info)
	}
	return ps, nil
}

// Doctor looks at the agent's own parts.
func (s *Service) Doctor(ctx context.Context) (DoctorReport, error) {
	h := s.cfg.Health()
	r := DoctorReport{Parts: []DoctorEntry{
		{Name: "store", OK: h.Store, Text: okText(h.Store, "what the agent knows is kept safely", h.Why.Text)},
		{Name: "buses", OK: h.Buses, Text: okText(h.Buses, "this device's services can be asked", h.Why.Text)},
		{Name: "clock", OK: h.Clock, Text: okText(h.Clock, "the clock is watched", h.Why.Text)},
	}}
	_, err := s.cfg.Worker.Accounts(ctx)
	r.Parts = append(r.Parts, DoctorEntry{Name: "accounts", OK: err == nil, Text: okText(err == nil, "the accounts of this device can be listed", textOf(err))})
	r.Parts = append(r.Parts, s.cfg.Doctor(ctx)...)
	r.Healthy = !slices.ContainsFunc(r.Parts, func(e DoctorEntry) bool { return !e.OK })
	return r, nil
}

func okText(ok bool, good, bad string) string {
	if ok {
		return good
	}
	if bad == "" {
		return "it does not work"
	}
	return bad
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Accounts lists the accounts bound on this device and those that the person
// declared.
func (s *Service) Accounts(ctx context.Context, by Caller) ([]AccountInfo, error) {
	bound, err := s.cfg.Worker.Accounts(ctx)
	if err != nil && !errors.Is(err, engine.ErrNoWorker) {
		return nil, asError(err)
	}
	declared, err := s.cfg.Store.Declared(ctx)
	if err != nil {
		return nil, asError(err)
	}
	open, ended, err := s.departures(ctx)
	if err != nil {
		return nil, asError(err)
	}
	var infos []AccountInfo
	add := func(a departure.Account) {
		if slices.ContainsFunc(infos, func(i AccountInfo) bool { return i.ID == a.ID }) {
			return
		}
		infos = append(infos, AccountInfo{Account: a, ProviderName: s.cfg.Profiles.Lookup(a.Provider).Name})
	}
	for _, a := range slices.Concat(bound, declared) {
		add(a)
	}
	for _, recs := range []map[string]*engine.Record{open, ended} {
		for _, rec := range recs { // one that was signed out is still being left, or may be deleted yet
			add(rec.Departure.Account)
		}
	}
	for i := range infos {
		if rec, ok := open[infos[i].ID]; ok {
			infos[i].Departure = rec.Departure.ID
		}
		if infos[i].Given, err = s.cfg.Store.Given(ctx, infos[i].ID); err != nil {
			return nil, asError(err)
		}
	}
	return infos, nil
}

// departures are, by account id, the open records and the sign-outs that ended
// and may still be raised to a deletion.
func (s *Service) departures(ctx context.Context) (open, ended map[string]*engine.Record, err error) {
	open, ended = make(map[string]*engine.Record), make(map[string]*engine.Record)
	err = s.engine.Each(ctx, func(rec *engine.Record) error {
		id := rec.Departure.Account.ID
		switch {
		case rec.State == engine.Open:
			open[id] = rec
		case rec.State == engine.Finished && rec.Departure.Intent != departure.Delete && ended[id] == nil:
			ended[id] = rec // the newest comes first
		}
		return nil
	})
	return open, ended, err
}

func (s *Service) account(ctx context.Context, by Caller, id string) (AccountInfo, error) {
	all, err := s.Accounts(ctx, by)
	if err != nil {
		return AccountInfo{}, err
	}
	for _, a := range all {
		if a.ID == id {
			return a, nil
		}
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
		return AccountInfo{}, asError(err)
	}
	return s.account(ctx, by, a.ID)
}

// AddSource adds a folder or file as a source of an account.
func (s *Service) AddSource(ctx context.Context, by Caller, account string, dataset departure.Dataset, path string) (AccountInfo, error) {
	if !dataset.Known() {
		return AccountInfo{}, invalid(fmt.Sprintf("%q is none of photos, contacts, notes, calendars, files", dataset))
	}
	a, err := s.account(ctx, by, account)
	if err != nil {
		return AccountInfo{}, err
	}
	given, err := s.cfg.Worker.InspectSource(ctx, dataset, path)
	if err != nil {
		return AccountInfo{}, asError(err)
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
		return AccountInfo{}, asError(err)
	}
	if a.Departure != "" {
		err := s.engine.Update(ctx, a.Departure, func(rec *engine.Record) ([]engine.Event, error) {
			rec.Given = given
			rec.Sources = slices.DeleteFunc(rec.Sources, func(k departure.KnownSource) bool { return k.Source.ID == removed })
			return nil, nil
		})
		if err != nil {
			return AccountInfo{}, asError(err)
		}
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
		return asError(err)
	}
	return nil
}

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
			return DepartureInfo{}, asError(err)
		}
	}
	if a.Departure != "" {
		return s.raise(ctx, by, a, req)
	}
	rec := &engine.Record{
		Departure: departure.Departure{
			ID: engine.NewID(), Account: a.Account, Intent: req.Intent, Path: req.Path, Fate: req.Fate, Extra: req.Extra,
			Opened: s.cfg.Clock.Now(), By: callerName(by),
		},
		State: engine.Open, Until: departure.StepInventory, Given: a.Given,
	}
	if err := s.engine.Open(ctx, rec); err != nil {
		return DepartureInfo{}, asError(err)
	}
	return s.Departure(ctx, by, rec.Departure.ID)
}

// ended is the sign-out of an account that ended and may be raised, "" where
// there is none, or the account is signed in here again.
func (s *Service) ended(ctx context.Context, account string) (string, error) {
	_, ended, err := s.departures(ctx)
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
	was := info.Departure.Intent
	if was != departure.Delete && req.Intent == departure.Delete {
		if err := s.engine.Raise(ctx, a.Departure, req.Path); err != nil {
			return DepartureInfo{}, asError(err)
		}
		return s.Departure(ctx, by, a.Departure)
	}
	if was != req.Intent {
		return info, &Error{Kind: KindBusy, Text: fmt.Sprintf("this account is already being left (%s)", was),
			Remedy: &departure.Remedy{Code: "cancel", Text: "cancel that first", Command: departure.Command("cancel", a.Account)}}
	}
	return info, nil
}

func callerName(by Caller) string {
	if !by.Known {
		return "nobody"
	}
	return fmt.Sprintf("uid:%d", by.UID)
}

// Run lets the engine go on up to a step; none is all the way. The job is done
// when nothing more can be done without the person.
func (s *Service) Run(ctx context.Context, by Caller, id string, until departure.Step) (JobInfo, error) {
	if until == "" {
		until = departure.StepTrack
	}
	if until.Order() < 0 {
		return JobInfo{}, invalid(fmt.Sprintf("there is no step %q", until))
	}
	if _, err := s.Departure(ctx, by, id); err != nil {
		return JobInfo{}, err
	}
	return s.jobs.start(by, "run", func(ctx context.Context, report engine.Report, into *JobInfo) error {
		err := s.engine.Update(ctx, id, func(rec *engine.Record) ([]engine.Event, error) {
			rec.Until = until
			return nil, nil
		})
		if err != nil {
			return err
		}
		stop := s.follow(ctx, id, report)
		_, err = s.engine.Settle(ctx, id)
		stop()
		switch {
		case ctx.Err() != nil && s.jobs.closing():
			return ctx.Err() // the next start goes on from there
		case ctx.Err() != nil:
			return errors.Join(ctx.Err(), s.halt(context.WithoutCancel(ctx), id))
		}
		if err != nil {
			return err
		}
		info, err := s.Departure(ctx, by, id)
		into.Departure = &info
		return err
	})
}

// halt ends what runs, and keeps the engine from going on by itself until it is
// asked to again.
func (s *Service) halt(ctx context.Context, id string) error {
	err := s.engine.Update(ctx, id, func(rec *engine.Record) ([]engine.Event, error) {
		rec.Until = departure.StepInventory
		return nil, nil
	})
	s.engine.Interrupt(id)
	return err
}

// follow passes the engine's progress on to a job until it is stopped.
func (s *Service) follow(ctx context.Context, id string, report engine.Report) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			p, news := s.engine.Progress(id)
			if p.Step != "" {
				report(p)
			}
			select {
			case <-news:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// SetDestination chooses the folder for the copy.
func (s *Service) SetDestination(ctx context.Context, by Caller, id, folder string) (DepartureInfo, error) {
	job, err := s.engine.Job(ctx, id)
	if err != nil {
		return DepartureInfo{}, asError(err)
	}
	seen, dest, err := s.cfg.Worker.InspectDestination(ctx, job, folder)
	if err != nil {
		return DepartureInfo{}, asError(err)
	}
	if seen.Place != departure.PlaceApart && seen.Place != departure.PlaceSameDisk {
		why := seen.PlaceWhy.Text
		if why == "" {
			why = "it is not known where that folder lies"
		}
		return DepartureInfo{}, invalid("your copy cannot lie there: " + why)
	}
	err = s.engine.Update(ctx, id, func(rec *engine.Record) ([]engine.Event, error) {
		rec.Destination = dest
		return []engine.Event{{At: s.cfg.Clock.Now(), Departure: id, Kind: "destination", Text: "a place for the copy was chosen"}}, nil
	})
	if err != nil {
		return DepartureInfo{}, asError(err)
	}
	return s.settled(ctx, by, id)
}

// settled is the departure after the pass that a change asked for. A caller who
// cannot wait for it reads it again later.
func (s *Service) settled(ctx context.Context, by Caller, id string) (DepartureInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if _, err := s.engine.Settle(ctx, id); err != nil && ctx.Err() == nil {
		return DepartureInfo{}, asError(err)
	}
	return s.Departure(context.WithoutCancel(ctx), by, id)
}

// Items pages through the items of the copy.
func (s *Service) Items(ctx context.Context, by Caller, id string, filter engine.ItemFilter) (engine.ItemPage, error) {
	if filter.Limit < 0 || filter.Limit > 1000 {
		return engine.ItemPage{}, invalid("a page has 1 to 1,000 items")
	}
	job, err := s.engine.Job(ctx, id)
	if err != nil {
		return engine.ItemPage{}, asError(err)
	}
	page, err := s.cfg.Worker.Items(ctx, job, filter)
	if err != nil {
		return page, asError(err)
	}
	return page, nil
}

// Say keeps a person's word about a check.
func (s *Service) Say(ctx context.Context, by Caller, id string, req WordRequest) (DepartureInfo, error) {
	err := s.engine.Say(ctx, id, departure.Word{
		Check: req.Check, Kind: req.Kind, Subject: req.Subject, List: req.List,
		Statement: req.Statement, Count: req.Count, By: callerName(by),
	})
	if err != nil {
		return DepartureInfo{}, asError(err)
	}
	return s.settled(ctx, by, id)
}

// AttestDevice adds a linked device, or says what became of one.
func (s *Service) AttestDevice(ctx context.Context, by Caller, id string, d departure.Device) (DepartureInfo, error) {
	if d.State != "" && !d.State.Settled() {
		return DepartureInfo{}, invalid("a device is signed-out, sold, lost or wiped")
	}
	if d.State == departure.DeviceReported {
		return DepartureInfo{}, invalid("only the device itself can report; say what you did with it")
	}
	err := s.engine.Update(ctx, id, func(rec *engine.Record) ([]engine.Event, error) {
		i := slices.IndexFunc(rec.Devices, func(k departure.Device) bool { return d.ID != "" && k.ID == d.ID })
		switch {
		case d.ID != "" && i < 0:
			return nil, &Error{Kind: KindNotFound, Text: "there is no such device in your list"}
		case i >= 0:
			rec.Devices[i].State = d.State
			if d.Name != "" {
				rec.Devices[i].Name = d.Name
			}
		case strings.TrimSpace(d.Name) == "" || len(d.Name) > 200:
			return nil, &Error{Kind: KindInvalid, Text: "give the device a name of at most 200 characters"}
		case len(rec.Devices) >= 200:
			return nil, &Error{Kind: KindInvalid, Text: "200 devices are the most that can be listed"}
		default:
			d.ID = fmt.Sprintf("device-%d", len(rec.Devices)+1)
			rec.Devices = append(rec.Devices, d)
		}
		return []engine.Event{{At: s.cfg.Clock.Now(), Departure: id, Kind: "device", Text: "a linked device was listed"}}, nil
	})
	if err != nil {
		return DepartureInfo{}, asError(err)
	}
	return s.settled(ctx, by, id)
}

// Authorize keeps the owner's leave; the transport has made sure of the owner.
func (s *Service) Authorize(ctx context.Context, by Caller, id string, req AuthorizeRequest) (DepartureInfo, error) {
	if err := s.engine.Authorize(ctx, id, callerName(by), req.Proof, req.Words, req.Effects); err != nil {
		return DepartureInfo{}, asError(err)
	}
	return s.Departure(ctx, by, id)
}

// gateLife bounds a look of the gate.
const gateLife = 5 * time.Minute

// RequestPermit asks for a permit, after a fresh look.
func (s *Service) RequestPermit(ctx context.Context, by Caller, id, nonce, audience string) (JobInfo, error) {
	return s.jobs.start(by, "permit", func(ctx context.Context, _ engine.Report, into *JobInfo) error {
		ctx, cancel := context.WithTimeout(ctx, gateLife)
		defer cancel()
		p, token, err := s.gate.Issue(ctx, id, nonce, audience)
		if err != nil {
			return err
		}
		info := permitInfo(p)
		info.Token = token
		into.Permit = &info
		return nil
	})
}

// Redeem burns a permit and gives its receipt, after a fresh look.
func (s *Service) Redeem(ctx context.Context, by Caller, permit, nonce string) (JobInfo, error) {
	return s.jobs.start(by, "redeem", func(ctx context.Context, _ engine.Report, into *JobInfo) error {
		ctx, cancel := context.WithTimeout(ctx, gateLife)
		defer cancel()
		token, at, err := s.gate.Redeem(ctx, permit, nonce)
		if err != nil {
			return err
		}
		into.Receipt = &ReceiptInfo{Permit: permit, Token: token, At: at}
		return nil
	})
}

// Submitted notes that the deletion was asked for at the provider.
func (s *Service) Submitted(ctx context.Context, by Caller, id string, when time.Time) (DepartureInfo, error) {
	if err := s.engine.Submitted(ctx, id, when); err != nil {
		return DepartureInfo{}, asError(err)
	}
	return s.settled(ctx, by, id)
}

// Cancel gives a departure up; the copy stays.
func (s *Service) Cancel(ctx context.Context, by Caller, id string, notSubmitted bool, proof string) (DepartureInfo, error) {
	if err := s.engine.Cancel(ctx, id, notSubmitted, proof); err != nil {
		return DepartureInfo{}, asError(err)
	}
	return s.Departure(ctx, by, id)
}

// NeedsOwner reports whether an irreversible act was begun, so that ending the
// departure is for the owner alone.
func (s *Service) NeedsOwner(ctx context.Context, id string) (bool, error) {
	snap, _, err := s.engine.Snapshot(ctx, id)
	if err != nil {
		return true, asError(err)
	}
	return len(snap.Record.Acts) > 0, nil
}

// Job is how far a job is.
func (s *Service) Job(_ context.Context, by Caller, id string) (JobInfo, error) {
	return s.jobs.get(by, id)
}

// CancelJob stops a job; what it did stays.
func (s *Service) CancelJob(_ context.Context, by Caller, id string) (JobInfo, error) {
	return s.jobs.stop(by, id)
}
