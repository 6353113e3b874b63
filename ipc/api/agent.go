package api

import (
	"context"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// Agent is what a transport calls.
type Agent interface {
	Methods
	// NeedsOwner reports whether an irreversible act was begun in the
	// departure: from then on, entries that rise are of class owner.
	NeedsOwner(ctx context.Context, departureID string) (bool, error)
	// OwnerJob says what a job of the caller is about, where only the owner may
	// have begun it: its result is for them alone too.
	OwnerJob(by agent.Caller, job string) (kind, id string, owner bool)
}

// Methods are the methods that the table offers, one entry each. Errors that
// are meant for the caller are *agent.Error; of any other only the kind
// internal is told.
type Methods interface {
	Version() string
	Providers(ctx context.Context) ([]agent.ProviderInfo, error)
	Doctor(ctx context.Context) (agent.DoctorReport, error)
	PublicKeys(ctx context.Context) ([]byte, error)

	Accounts(ctx context.Context, by agent.Caller) (agent.AccountList, error)
	AddAccount(ctx context.Context, by agent.Caller, provider, identity string) (agent.AccountInfo, error)
	AddSource(ctx context.Context, by agent.Caller, account string, dataset departure.Dataset, path string) (agent.AccountInfo, error)
	RemoveSource(ctx context.Context, by agent.Caller, account string, source departure.SourceID) (agent.AccountInfo, error)
	Credential(ctx context.Context, by agent.Caller, account, password string) error
	Plan(ctx context.Context, by agent.Caller, account string) (agent.JobInfo, error)

	StartDeparture(ctx context.Context, by agent.Caller, req agent.StartRequest) (agent.DepartureInfo, error)
	Departures(ctx context.Context, by agent.Caller, page agent.Page) (agent.DeparturePage, error)
	Departure(ctx context.Context, by agent.Caller, id string) (agent.DepartureInfo, error)
	Items(ctx context.Context, by agent.Caller, id string, filter engine.ItemFilter) (engine.ItemPage, error)
	Run(ctx context.Context, by agent.Caller, id string, until departure.Step) (agent.JobInfo, error)
	SetDestination(ctx context.Context, by agent.Caller, id, folder string) (agent.DepartureInfo, error)
	Disks(ctx context.Context, by agent.Caller) ([]agent.Disk, error)
	Eject(ctx context.Context, by agent.Caller, id string) (agent.JobInfo, error)
	AttestDevice(ctx context.Context, by agent.Caller, id string, device departure.Device) (agent.DepartureInfo, error)
	AtOwnRiskList(ctx context.Context, by agent.Caller, id string) ([]departure.Line, departure.Digest, error)
	AtOwnRisk(ctx context.Context, by agent.Caller, id string, list departure.Digest) (string, error)
	Say(ctx context.Context, by agent.Caller, id string, word agent.WordRequest) (agent.DepartureInfo, error)
	Authorize(ctx context.Context, by agent.Caller, id string, req agent.AuthorizeRequest) (agent.DepartureInfo, error)
	RequestPermit(ctx context.Context, by agent.Caller, id, nonce, audience string) (agent.JobInfo, error)
	Redeem(ctx context.Context, by agent.Caller, permit, nonce string) (agent.JobInfo, error)
	Submitted(ctx context.Context, by agent.Caller, id string, when time.Time) (agent.DepartureInfo, error)
	Cancel(ctx context.Context, by agent.Caller, id string, notSubmitted bool, proof string) (agent.DepartureInfo, error)

	Restore(ctx context.Context, by agent.Caller, req agent.RestoreRequest) (agent.JobInfo, error)
	Job(ctx context.Context, by agent.Caller, id string) (agent.JobInfo, error)
	CancelJob(ctx context.Context, by agent.Caller, id string) (agent.JobInfo, error)
	// Watch sends a snapshot first. The channel is closed when ctx ends, or
	// after one update that says Lagged.
	Watch(ctx context.Context, by agent.Caller, departureID string) (<-chan agent.Update, error)
}
