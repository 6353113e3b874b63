package httpd

import (
	"context"
	"sync"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/api"
)

// stub records which methods were called, by whom, and answers nothing.
type stub struct {
	mu         sync.Mutex
	called     []string
	by         agent.Caller
	fail       error
	fault      any
	needsOwner bool
	ownerErr   error
	owned      api.Object // that the jobs are about, for the owner alone
	hold       func(ctx context.Context)
	updates    func(ctx context.Context) (<-chan agent.Update, error)
}

func (s *stub) did(ctx context.Context, name string, by agent.Caller) error {
	s.mu.Lock()
	s.called = append(s.called, name)
	s.by = by
	hold := s.hold
	s.mu.Unlock()
	if s.fault != nil {
		panic(s.fault)
	}
	if hold != nil {
		hold(ctx)
	}
	return s.fail
}

// setHold makes every later call wait.
func (s *stub) setHold(hold func(ctx context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = hold
}

// calls are the methods called since the last time.
func (s *stub) calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	called := s.called
	s.called = nil
	return called
}

var anyone = agent.Caller{}

func (s *stub) NeedsOwner(context.Context, string) (bool, error) { return s.needsOwner, s.ownerErr }
func (s *stub) OwnerJob(agent.Caller, string) (string, string, bool) {
	return s.owned.Kind, s.owned.ID, s.owned.Kind != ""
}
func (s *stub) Version() string {
	_ = s.did(context.Background(), "Version", anyone)
	return "1"
}
func (s *stub) Providers(ctx context.Context) ([]agent.ProviderInfo, error) {
	return nil, s.did(ctx, "Providers", anyone)
}
func (s *stub) Doctor(ctx context.Context) (agent.DoctorReport, error) {
	return agent.DoctorReport{}, s.did(ctx, "Doctor", anyone)
}
func (s *stub) PublicKeys(ctx context.Context) ([]byte, error) {
	return []byte(`{"keys":[]}`), s.did(ctx, "PublicKeys", anyone)
}
func (s *stub) Accounts(ctx context.Context, by agent.Caller) (agent.AccountList, error) {
	return agent.AccountList{}, s.did(ctx, "Accounts", by)
}
func (s *stub) AddAccount(ctx context.Context, by agent.Caller, _, _ string) (agent.AccountInfo, error) {
	return agent.AccountInfo{}, s.did(ctx, "AddAccount", by)
}
func (s *stub) AddSource(ctx context.Context, by agent.Caller, _ string, _ departure.Dataset, _ string) (agent.AccountInfo, error) {
	return agent.AccountInfo{}, s.did(ctx, "AddSource", by)
}
func (s *stub) RemoveSource(ctx context.Context, by agent.Caller, _ string, id departure.SourceID) (agent.AccountInfo, error) {
	return agent.AccountInfo{Departure: string(id)}, s.did(ctx, "RemoveSource", by)
}
func (s *stub) Credential(ctx context.Context, by agent.Caller, _, _ string) error {
	return s.did(ctx, "Credential", by)
}
func (s *stub) Plan(ctx context.Context, by agent.Caller, _ string) (agent.JobInfo, error) {
	return agent.JobInfo{}, s.did(ctx, "Plan", by)
}
func (s *stub) StartDeparture(ctx context.Context, by agent.Caller, _ agent.StartRequest) (agent.DepartureInfo, error) {
	return agent.DepartureInfo{}, s.did(ctx, "StartDeparture", by)
}
func (s *stub) Departures(ctx context.Context, by agent.Caller, _ agent.Page) (agent.DeparturePage, error) {
	return agent.DeparturePage{}, s.did(ctx, "Departures", by)
}
func (s *stub) Departure(ctx context.Context, by agent.Caller, _ string) (agent.DepartureInfo, error) {
	return agent.DepartureInfo{}, s.did(ctx, "Departure", by)
}
func (s *stub) Items(ctx context.Context, by agent.Caller, _ string, _ engine.ItemFilter) (engine.ItemPage, error) {
	return engine.ItemPage{}, s.did(ctx, "Items", by)
}
func (s *stub) Run(ctx context.Context, by agent.Caller, _ string, _ departure.Step) (agent.JobInfo, error) {
	return agent.JobInfo{}, s.did(ctx, "Run", by)
}
func (s *stub) SetDestination(ctx context.Context, by agent.Caller, _, _ string) (agent.DepartureInfo, error) {
	return agent.DepartureInfo{}, s.did(ctx, "SetDestination", by)
}
func (s *stub) Disks(ctx context.Context, by agent.Caller) ([]agent.Disk, error) {
	return nil, s.did(ctx, "Disks", by)
}
func (s *stub) Eject(ctx context.Context, by agent.Caller, _ string) (agent.JobInfo, error) {
	return agent.JobInfo{}, s.did(ctx, "Eject", by)
}
func (s *stub) AttestDevice(ctx context.Context, by agent.Caller, _ string, _ departure.Device) (agent.DepartureInfo, error) {
	return agent.DepartureInfo{}, s.did(ctx, "AttestDevice", by)
}
func (s *stub) AtOwnRiskList(ctx context.Context, by agent.Caller, _ string) ([]departure.Line, departure.Digest, error) {
	return nil, "", s.did(ctx, "AtOwnRiskList", by)
}
func (s *stub) AtOwnRisk(ctx context.Context, by agent.Caller, _ string, _ departure.Digest) (string, error) {
	return "", s.did(ctx, "AtOwnRisk", by)
}
func (s *stub) Say(ctx context.Context, by agent.Caller, _ string, _ agent.WordRequest) (agent.DepartureInfo, error) {
	return agent.DepartureInfo{}, s.did(ctx, "Say", by)
}
func (s *stub) Authorize(ctx context.Context, by agent.Caller, _ string, _ agent.AuthorizeRequest) (agent.DepartureInfo, error) {
	return agent.DepartureInfo{}, s.did(ctx, "Authorize", by)
}
func (s *stub) RequestPermit(ctx context.Context, by agent.Caller, _, _, _ string) (agent.JobInfo, error) {
	return agent.JobInfo{}, s.did(ctx, "RequestPermit", by)
}
func (s *stub) Redeem(ctx context.Context, by agent.Caller, _, _ string) (agent.JobInfo, error) {
	return agent.JobInfo{}, s.did(ctx, "Redeem", by)
}
func (s *stub) Submitted(ctx context.Context, by agent.Caller, _ string, _ time.Time) (agent.DepartureInfo, error) {
	return agent.DepartureInfo{}, s.did(ctx, "Submitted", by)
}
func (s *stub) Cancel(ctx context.Context, by agent.Caller, _ string, _ bool, _ string) (agent.DepartureInfo, error) {
	return agent.DepartureInfo{}, s.did(ctx, "Cancel", by)
}
func (s *stub) Restore(ctx context.Context, by agent.Caller, _ agent.RestoreRequest) (agent.JobInfo, error) {
	return agent.JobInfo{}, s.did(ctx, "Restore", by)
}
func (s *stub) Job(ctx context.Context, by agent.Caller, _ string) (agent.JobInfo, error) {
	return agent.JobInfo{}, s.did(ctx, "Job", by)
}
func (s *stub) CancelJob(ctx context.Context, by agent.Caller, _ string) (agent.JobInfo, error) {
	return agent.JobInfo{}, s.did(ctx, "CancelJob", by)
}
func (s *stub) Watch(ctx context.Context, by agent.Caller, _ string) (<-chan agent.Update, error) {
	if err := s.did(ctx, "Watch", by); err != nil {
		return nil, err
	}
	if s.updates != nil {
		return s.updates(ctx)
	}
	done := make(chan agent.Update)
	close(done)
	return done, nil
}
