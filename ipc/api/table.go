package api

import (
	"context"
	"reflect"
	"slices"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// The names of the methods, as every transport has them.
const (
	Version        = "Version"
	ListProviders  = "ListProviders"
	Doctor         = "Doctor"
	PublicKeys     = "PublicKeys"
	ListAccounts   = "ListAccounts"
	AddAccount     = "AddAccount"
	AddSource      = "AddSource"
	RemoveSource   = "RemoveSource"
	Credential     = "Credential"
	Plan           = "Plan"
	StartDeparture = "StartDeparture"
	ListDepartures = "ListDepartures"
	GetDeparture   = "GetDeparture"
	Items          = "Items"
	Run            = "Run"
	SetDestination = "SetDestination"
	ListDisks      = "ListDisks"
	Eject          = "Eject"
	AttestDevice   = "AttestDevice"
	AtOwnRiskList  = "AtOwnRiskList"
	AtOwnRisk      = "AtOwnRisk"
	Acknowledge    = "Acknowledge"
	Authorize      = "Authorize"
	RequestPermit  = "RequestPermit"
	Redeem         = "Redeem"
	Submitted      = "Submitted"
	Cancel         = "Cancel"
	Restore        = "Restore"
	GetJob         = "GetJob"
	CancelJob      = "CancelJob"
	Events         = "Events"
)

// Table is a copy of the whole table.
func Table() []Entry {
	return slices.Concat(aboutAgent(), aboutAccounts(), aboutDepartures(), aboutWords(), aboutPermits(), aboutJobs())
}

// Lookup is the entry of one method by its name.
func Lookup(name string) (Entry, bool) {
	for _, e := range Table() {
		if e.Name == name {
			return e, true
		}
	}
	return Entry{}, false
}

func aboutAgent() []Entry {
	return []Entry{
		entry(Entry{Name: Version, Calls: "Version", Verb: "GET", Route: "/v1/version", Class: Read, CLI: "--version"},
			func(_ context.Context, a Agent, _ Args, _ Nothing) (VersionAnswer, error) {
				return VersionAnswer{Version: a.Version()}, nil
			}),
		entry(Entry{Name: ListProviders, Calls: "Providers", Verb: "GET", Route: "/v1/providers", Class: Read, CLI: "providers"},
			func(ctx context.Context, a Agent, _ Args, _ Nothing) (ProvidersAnswer, error) {
				list, err := a.Providers(ctx)
				return ProvidersAnswer{Providers: list}, err
			}),
		entry(Entry{Name: Doctor, Calls: "Doctor", Verb: "GET", Route: "/v1/doctor", Class: Read, CLI: "doctor"},
			func(ctx context.Context, a Agent, _ Args, _ Nothing) (agent.DoctorReport, error) {
				return a.Doctor(ctx)
			}),
		entry(Entry{Name: PublicKeys, Calls: "PublicKeys", Verb: "GET", Route: "/v1/keys", Class: Read, CLI: "keys"},
			func(ctx context.Context, a Agent, _ Args, _ Nothing) (KeysAnswer, error) {
				keys, err := a.PublicKeys(ctx)
				return KeysAnswer(keys), err
			}),
	}
}

func aboutAccounts() []Entry {
	return []Entry{
		entry(Entry{Name: ListAccounts, Calls: "Accounts", Verb: "GET", Route: "/v1/accounts", Class: Read, CLI: "accounts"},
			func(ctx context.Context, a Agent, args Args, _ Nothing) (AccountsAnswer, error) {
				return a.Accounts(ctx, args.By)
			}),
		entry(Entry{Name: AddAccount, Calls: "AddAccount", Verb: "POST", Route: "/v1/accounts", Class: Act, CLI: "accounts add"},
			func(ctx context.Context, a Agent, args Args, in AddAccountRequest) (agent.AccountInfo, error) {
				return a.AddAccount(ctx, args.By, in.Provider, in.Identity)
			}),
		entry(Entry{Name: AddSource, Calls: "AddSource", Verb: "POST", Route: "/v1/accounts/{id}/sources", Class: Act, CLI: "sources add"},
			func(ctx context.Context, a Agent, args Args, in AddSourceRequest) (agent.AccountInfo, error) {
				return a.AddSource(ctx, args.By, args.ID, in.Dataset, in.Path)
			}),
		entry(Entry{Name: RemoveSource, Calls: "RemoveSource", Verb: "DELETE", Route: "/v1/accounts/{id}/sources/{sub}", Class: Act, CLI: "sources remove"},
			func(ctx context.Context, a Agent, args Args, _ Nothing) (agent.AccountInfo, error) {
				return a.RemoveSource(ctx, args.By, args.ID, departure.SourceID(args.Sub))
			}),
		entry(Entry{Name: Credential, Calls: "Credential", Verb: "POST", Route: "/v1/accounts/{id}/credential", Class: Owner, CLI: "leave"},
			func(ctx context.Context, a Agent, args Args, in CredentialRequest) (Nothing, error) {
				return Nothing{}, a.Credential(ctx, args.By, args.ID, in.Password)
			}),
		entry(Entry{Name: Plan, Calls: "Plan", Verb: "POST", Route: "/v1/accounts/{id}/plan", Class: Read, Job: true, CLI: "plan"},
			func(ctx context.Context, a Agent, args Args, _ Nothing) (agent.JobInfo, error) {
				return a.Plan(ctx, args.By, args.ID)
			}),
	}
}

func aboutDepartures() []Entry {
	return []Entry{
		entry(Entry{Name: StartDeparture, Calls: "StartDeparture", Verb: "POST", Route: "/v1/departures", Class: Act, CLI: "leave"},
			func(ctx context.Context, a Agent, args Args, in agent.StartRequest) (agent.DepartureInfo, error) {
				return a.StartDeparture(ctx, args.By, in)
			}),
		entry(Entry{Name: ListDepartures, Calls: "Departures", Verb: "GET", Route: "/v1/departures", Class: Read, CLI: "status"},
			func(ctx context.Context, a Agent, args Args, in agent.Page) (agent.DeparturePage, error) {
				return a.Departures(ctx, args.By, in)
			}),
		entry(Entry{Name: GetDeparture, Calls: "Departure", Verb: "GET", Route: "/v1/departures/{id}", Class: Read, CLI: "status"},
			func(ctx context.Context, a Agent, args Args, _ Nothing) (agent.DepartureInfo, error) {
				return a.Departure(ctx, args.By, args.ID)
			}),
		entry(Entry{Name: Items, Calls: "Items", Verb: "GET", Route: "/v1/departures/{id}/items", Class: Read, CLI: "items"},
			func(ctx context.Context, a Agent, args Args, in engine.ItemFilter) (engine.ItemPage, error) {
				return a.Items(ctx, args.By, args.ID, in)
			}),
		entry(Entry{Name: Run, Calls: "Run", Verb: "POST", Route: "/v1/departures/{id}/run", Class: Act, Job: true, CLI: "leave"},
			func(ctx context.Context, a Agent, args Args, in RunRequest) (agent.JobInfo, error) {
				return a.Run(ctx, args.By, args.ID, in.Until)
			}),
		entry(Entry{Name: SetDestination, Calls: "SetDestination", Verb: "PUT", Route: "/v1/departures/{id}/destination", Class: Owner, CLI: "destination"},
			func(ctx context.Context, a Agent, args Args, in DestinationRequest) (agent.DepartureInfo, error) {
				return a.SetDestination(ctx, args.By, args.ID, in.Folder)
			}),
		entry(Entry{Name: ListDisks, Calls: "Disks", Verb: "GET", Route: "/v1/disks", Class: Read, CLI: "destination"},
			func(ctx context.Context, a Agent, args Args, _ Nothing) (DisksAnswer, error) {
				list, err := a.Disks(ctx, args.By)
				return DisksAnswer{Disks: list}, err
			}),
		entry(Entry{Name: Eject, Calls: "Eject", Verb: "POST", Route: "/v1/departures/{id}/eject", Class: Act, Job: true, CLI: "destination --eject"},
			func(ctx context.Context, a Agent, args Args, _ Nothing) (agent.JobInfo, error) {
				return a.Eject(ctx, args.By, args.ID)
			}),
		entry(Entry{Name: AttestDevice, Calls: "AttestDevice", Verb: "POST", Route: "/v1/departures/{id}/devices", Class: Act, CLI: "devices"},
			func(ctx context.Context, a Agent, args Args, in departure.Device) (agent.DepartureInfo, error) {
				return a.AttestDevice(ctx, args.By, args.ID, in)
			}),
		entry(Entry{Name: Submitted, Calls: "Submitted", Verb: "POST", Route: "/v1/departures/{id}/submission", Class: Act, Rises: true, CLI: "submitted"},
			func(ctx context.Context, a Agent, args Args, in SubmissionRequest) (agent.DepartureInfo, error) {
				return a.Submitted(ctx, args.By, args.ID, in.When)
			}),
		entry(Entry{Name: Cancel, Calls: "Cancel", Verb: "POST", Route: "/v1/departures/{id}/cancel", Class: Act, Rises: true, CLI: "cancel"},
			func(ctx context.Context, a Agent, args Args, in CancelRequest) (agent.DepartureInfo, error) {
				return a.Cancel(ctx, args.By, args.ID, in.NotSubmitted, in.Proof)
			}),
	}
}

func aboutWords() []Entry {
	return []Entry{
		entry(Entry{Name: AtOwnRiskList, Calls: "AtOwnRiskList", Verb: "GET", Route: "/v1/departures/{id}/at-own-risk", Class: Read, CLI: "leave --at-own-risk"},
			func(ctx context.Context, a Agent, args Args, _ Nothing) (AtOwnRiskListAnswer, error) {
				lines, list, err := a.AtOwnRiskList(ctx, args.By, args.ID)
				return AtOwnRiskListAnswer{Lines: lines, List: list}, err
			}),
		entry(Entry{Name: AtOwnRisk, Calls: "AtOwnRisk", Verb: "POST", Route: "/v1/departures/{id}/at-own-risk", Class: Owner, CLI: "leave --at-own-risk"},
			func(ctx context.Context, a Agent, args Args, in AtOwnRiskRequest) (AtOwnRiskAnswer, error) {
				signed, err := a.AtOwnRisk(ctx, args.By, args.ID, in.List)
				return AtOwnRiskAnswer{Signed: signed}, err
			}),
		entry(Entry{Name: Acknowledge, Calls: "Say", Verb: "POST", Route: "/v1/departures/{id}/acknowledgements", Class: Act, CLI: "ack"},
			func(ctx context.Context, a Agent, args Args, in agent.WordRequest) (agent.DepartureInfo, error) {
				return a.Say(ctx, args.By, args.ID, in)
			}),
		entry(Entry{Name: Authorize, Calls: "Authorize", Verb: "POST", Route: "/v1/departures/{id}/authorization", Class: Owner, CLI: "authorize"},
			func(ctx context.Context, a Agent, args Args, in agent.AuthorizeRequest) (agent.DepartureInfo, error) {
				return a.Authorize(ctx, args.By, args.ID, in)
			}),
	}
}

func aboutPermits() []Entry {
	return []Entry{
		entry(Entry{Name: RequestPermit, Calls: "RequestPermit", Verb: "POST", Route: "/v1/departures/{id}/permits", Class: Owner, Job: true, CLI: "permit"},
			func(ctx context.Context, a Agent, args Args, in PermitRequest) (agent.JobInfo, error) {
				return a.RequestPermit(ctx, args.By, args.ID, in.Nonce, in.Audience)
			}),
		entry(Entry{Name: Redeem, Calls: "Redeem", Verb: "POST", Route: "/v1/permits/{id}/redeem", Class: Owner, Job: true, CLI: "permit redeem"},
			func(ctx context.Context, a Agent, args Args, in RedeemRequest) (agent.JobInfo, error) {
				return a.Redeem(ctx, args.By, args.ID, in.Nonce)
			}),
	}
}

func aboutJobs() []Entry {
	return []Entry{
		entry(Entry{Name: Restore, Calls: "Restore", Verb: "POST", Route: "/v1/restores", Class: Act, Job: true, CLI: "restore"},
			func(ctx context.Context, a Agent, args Args, in agent.RestoreRequest) (agent.JobInfo, error) {
				return a.Restore(ctx, args.By, in)
			}),
		entry(Entry{Name: GetJob, Calls: "Job", Verb: "GET", Route: "/v1/jobs/{id}", Class: Read, Rises: true, CLI: "leave"},
			func(ctx context.Context, a Agent, args Args, _ Nothing) (agent.JobInfo, error) {
				return a.Job(ctx, args.By, args.ID)
			}),
		entry(Entry{Name: CancelJob, Calls: "CancelJob", Verb: "DELETE", Route: "/v1/jobs/{id}", Class: Act, Rises: true, CLI: "leave"},
			func(ctx context.Context, a Agent, args Args, _ Nothing) (agent.JobInfo, error) {
				return a.CancelJob(ctx, args.By, args.ID)
			}),
		{
			Name: Events, Calls: "Watch", Verb: "GET", Route: "/v1/events", Class: Read, Stream: true, CLI: "status --watch",
			In: reflect.TypeFor[WatchRequest](), Out: reflect.TypeFor[agent.Update](),
		},
	}
}
