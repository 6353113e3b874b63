package tasks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source/archive"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/cloud/dav"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/disks"
	"github.com/clearance-project/clearance/platform/eds"
	"github.com/clearance-project/clearance/platform/goa"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/watch"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Config is what a worker is made of.
type Config struct {
	Bus *bus.Conn // the user's session bus
	// State is the worker's folder: ledgers and what is remembered of accounts.
	State string
	// Provider gives the catalogue's id for an account as a place has it: the
	// place's kind, its own word for the provider, and the server; "" for what
	// belongs to no company whose account could be left. everybody says that the
	// provider has one service for everybody.
	Provider func(kind, word, host string) (id string, everybody bool)
	// Finders find the stores of this device's programs: see [Finders].
	Finders []dataset.Finder
	Clock   watch.Clock
	// User and Device name the copy's folder.
	User, Device string
	// Dirs are the user's own folders.
	Dirs xdg.Dirs
}

// Worker does the user's part of a departure. Its methods may be called from
// several goroutines; calls for one departure come one at a time.
type Worker struct {
	cfg     Config
	goa     *goa.Client
	eds     *eds.Client
	secrets *secrets.Client
	mounts  *disks.Mounts
	shelf   archive.Shelf // what the archives hold that were given
	places  []binding.Place
	network dav.Network                            // by which servers with two names are known as one
	patient time.Duration                          // with a folder that a person names
	stat    func(path string) (os.FileInfo, error) // of such a folder

	mu       sync.Mutex
	sessions map[string]*session       // by account id: how its server is asked
	ledgers  map[string]*ledger.Ledger // by bag id
	watches  map[string]*watching      // by departure id
}

var _ engine.Worker = (*Worker)(nil)

// New makes a worker. The bus stays the caller's.
func New(cfg Config) (*Worker, error) {
	if err := os.MkdirAll(filepath.Join(cfg.State, "accounts"), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the worker's folder: %w", err)
	}
	mounts, err := disks.WatchMounts()
	if err != nil {
		return nil, err
	}
	s := secrets.New(cfg.Bus)
	w := &Worker{
		cfg: cfg, mounts: mounts, secrets: s, goa: goa.New(cfg.Bus, s, cfg.Dirs.Config), eds: eds.New(cfg.Bus, eds.Options{}),
		patient: answering, stat: os.Stat, network: &dav.SystemNetwork{},
		sessions: make(map[string]*session), ledgers: make(map[string]*ledger.Ledger), watches: make(map[string]*watching),
	}
	w.places = w.newPlaces()
	return w, nil
}

// Close forgets every credential and closes the ledgers. Watches end with their
// context.
func (w *Worker) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	errs := []error{w.mounts.Close()}
	for _, s := range w.sessions {
		s.client.Close()
	}
	for _, l := range w.ledgers {
		errs = append(errs, l.Close())
	}
	clear(w.sessions)
	clear(w.ledgers)
	return errors.Join(errs...)
}

// session is how an account's server is asked: made from GOA while the account
// is signed in, kept in memory after it was signed out.
type session struct {
	memory serverMemory
	secret dav.Secret
	client *dav.Client
	token  bool // secret is one, not a password
	// renew gets a newer token; nil for a password.
	renew renewal
	// last are the complete listings that were made last, for the fence.
	last map[departure.SourceID]lastListing
	// sight is what the last look found at the server, for the next glance.
	sight *sight
}

// lastListing is a listing as the server marked it, and what it held. A look for a
// plan may have made it since: where it holds something else than a departure's
// own look found, that is a change.
type lastListing struct {
	listing dav.Listing
	keys    departure.Digest
}

// keep makes sess the account's session, unless it is the one already there.
func (w *Worker) keep(account string, m serverMemory, creds dav.Credentials, renew renewal) (*session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	secret := creds.Password
	if !creds.Bearer.Empty() {
		secret = creds.Bearer
	}
	if old, ok := w.sessions[account]; ok {
		if old.memory == m && (old.secret == secret || old.renew != nil && renew != nil) {
			old.secret, old.renew, old.token = secret, renew, !creds.Bearer.Empty()
			old.client.SetBearer(creds.Bearer)
			return old, nil
		}
		old.client.Close()
	}
	client, err := dav.New(dav.Config{
		Contacts: m.Contacts, Calendars: m.Calendars, Files: m.Files,
		Credentials: creds, AcceptInvalidCert: m.AcceptInvalidCert, Now: w.cfg.Clock.Now, After: w.cfg.Clock.After,
		Renew: func(ctx context.Context) (dav.Secret, error) { return w.renewed(ctx, account) },
	})
	if err != nil {
		return nil, fmt.Errorf("cannot ask the server: %w", err)
	}
	s := &session{memory: m, secret: secret, client: client, token: !creds.Bearer.Empty(), renew: renew, last: make(map[departure.SourceID]lastListing)}
	w.sessions[account] = s
	return s, nil
}

func (w *Worker) session(account string) *session {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sessions[account]
}

// now is the time as the engine sees it.
func (w *Worker) now() time.Time { return w.cfg.Clock.Now() }

// Credential checks a password at the account's server and keeps it in memory.
func (w *Worker) Credential(ctx context.Context, job engine.Job, password string) error {
	m, err := w.recall(job.Departure.Account.ID)
	if err != nil {
		return err
	}
	if m.Server.User == "" {
		in, err := w.signIns(ctx, job)
		if err := errors.Join(err, w.rememberServer(job.Departure.Account.ID, in.present)); err != nil {
			return err
		}
		if m, err = w.recall(job.Departure.Account.ID); err != nil {
			return err
		}
	}
	if m.Server.User == "" {
		return &engine.BlockedError{
			Why:    departure.Reason{Code: "no-server", Text: "nothing is known of this account's server on this device"},
			Remedy: departure.Remedy{Code: "sign-in", Text: "sign in to the account on this device again", Command: departure.Command("leave", job.Departure.Account)},
		}
	}
	creds := dav.Credentials{User: m.Server.User, Password: dav.NewSecret(password)}
	probe, err := dav.New(dav.Config{
		Contacts: m.Server.Contacts, Calendars: m.Server.Calendars, Files: m.Server.Files,
		Credentials: creds, AcceptInvalidCert: m.Server.AcceptInvalidCert, Now: w.cfg.Clock.Now,
	})
	if err != nil {
		return fmt.Errorf("cannot ask the server: %w", err)
	}
	defer probe.Close()
	if err := ask(ctx, probe, m.Server); err != nil {
		if m.Server.Token {
			return &engine.BlockedError{Why: departure.Reason{Code: "token-refused", Text: "this account takes no password here: its provider asks for that on a page of its own"},
				Remedy: departure.Remedy{Code: "sign-in", Text: "open Settings, then Online Accounts, and sign in to the account once more", Command: departure.Command("leave", job.Departure.Account)}}
		}
		return &engine.BlockedError{Why: serverReason("the server", err),
			Remedy: departure.Remedy{Code: "password", Text: "enter the account's password once more", Command: departure.Command("leave", job.Departure.Account)}}
	}
	_, err = w.keep(job.Departure.Account.ID, m.Server, creds, nil)
	return err
}

// ask makes the server answer one question with the credentials.
func ask(ctx context.Context, c *dav.Client, m serverMemory) error {
	var err error
	switch {
	case m.Files != "":
		_, err = c.Files(ctx)
	case m.Contacts != "":
		_, err = c.AddressBooks(ctx)
	default:
		_, err = c.Calendars(ctx)
	}
	return err
}
