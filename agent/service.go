package agent

import (
	"context"

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
	// Restorer brings copies back; nil where nobody can.
	Restorer Restorer
	// Disks are those that a person can plug in and out; nil where nobody can
	// tell.
	Disks engine.Disks
	// Doctor adds the parts that the platform knows of.
	Doctor func(context.Context) []DoctorEntry
	// Fault is told of each error that no caller may read, for the log: the id
	// that the caller was given instead, and the text without paths.
	Fault func(id, text string)
}

// Service is the agent: all that a transport calls.
type Service struct {
	cfg    Config
	engine *engine.Engine
	gate   *gate.Gate
	jobs   *jobs
	shown  shown
}

// NewService makes the agent; nothing runs before [Service.Start].
func NewService(cfg Config) *Service {
	e := engine.New(engine.Config{
		Store: cfg.Store, Worker: cfg.Worker, Tracker: cfg.Tracker, Clock: cfg.Clock,
		Catalogue: Catalogue{cfg.Profiles}, Policy: Policy{cfg.Rules}, Assured: cfg.Assured, Health: cfg.Health,
	})
	g := gate.New(gate.Config{Engine: e, Signer: cfg.Signer, Secret: cfg.Secret, BootID: cfg.BootID, Closed: cfg.Closed})
	s := &Service{cfg: cfg, engine: e, gate: g}
	s.jobs = newJobs(s.told)
	return s
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
