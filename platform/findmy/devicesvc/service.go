package devicesvc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/clearance-project/clearance/platform/findmy"
	"github.com/godbus/dbus/v5"
)

// Checker asks the provider whether a proof is the account's.
type Checker interface {
	// Check returns whether the proof is right; an error means that the
	// provider could not be asked.
	Check(ctx context.Context, account, proof string) (right bool, err error)
}

// Config of a service.
type Config struct {
	Vendor   string // the last element of the bus name
	Provider string // id in the catalogue
	Account  string // identity at the provider
	// Agent is the uid of clearanced beside 0; Owner that of the person whose
	// single-owner device this is. Nil: nobody.
	Agent, Owner *uint32
	StateFile    string // absolute; where it is missing, Find My Device is on
	Check        Checker
	// Confirmer is the host that Check asks.
	Confirmer string
	Now       func() time.Time
	Log       *slog.Logger
}

// callTime bounds one Disable or Enable.
const callTime = 20 * time.Second

// Service is one simulated Find My Device.
type Service struct {
	cfg  Config
	conn *dbus.Conn

	acting sync.Mutex // one act at a time

	mu    sync.Mutex
	state state
}

// New reads the state. An error means that the configuration or the state file
// cannot be used.
func New(cfg Config) (*Service, error) {
	if cfg.Vendor == "" || strings.ContainsAny(cfg.Vendor, ".-: ") || cfg.Provider == "" || cfg.Account == "" {
		return nil, errors.New("cannot simulate Find My Device: it needs a vendor of one word, a provider and an account")
	}
	if cfg.Check == nil || cfg.Now == nil || cfg.Log == nil {
		return nil, errors.New("cannot simulate Find My Device: nobody checks the proof, tells the time or takes the log")
	}
	s, err := readState(cfg.StateFile)
	if err != nil {
		return nil, fmt.Errorf("cannot simulate Find My Device: %w", err)
	}
	return &Service{cfg: cfg, state: s}, nil
}

// Name is the service's bus name.
func (s *Service) Name() string { return findmy.Prefix + s.cfg.Vendor }

// Serve answers on a connection until ctx ends or the connection breaks. The
// connection stays open.
func (s *Service) Serve(ctx context.Context, conn *dbus.Conn) error {
	s.conn = conn
	for iface, object := range map[string]any{
		findmy.Interface:                      &device{s},
		"org.freedesktop.DBus.Properties":     &properties{s},
		"org.freedesktop.DBus.Introspectable": introspectable{},
	} {
		if err := conn.Export(object, findmy.Path, iface); err != nil {
			return fmt.Errorf("cannot serve %s: %w", iface, err)
		}
	}
	got, err := conn.RequestName(s.Name(), dbus.NameFlagDoNotQueue)
	if err != nil {
		return fmt.Errorf("cannot own %s: %w", s.Name(), err)
	}
	if got != dbus.RequestNameReplyPrimaryOwner {
		return fmt.Errorf("cannot own %s: somebody else does", s.Name())
	}
	s.cfg.Log.Info("serving", "name", s.Name(), "state", s.now().State)
	select {
	case <-ctx.Done():
		_, err := conn.ReleaseName(s.Name())
		return err
	case <-conn.Context().Done():
		return errors.New("the bus closed the connection")
	}
}

func (s *Service) now() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// allowed asks the bus who sent a message. No answer, or one of another type,
// is nobody.
func (s *Service) allowed(sender dbus.Sender) *dbus.Error {
	refused := dbus.NewError("org.freedesktop.DBus.Error.AccessDenied", []any{"only the agent and the device's owner may ask this"})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	call := s.conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetConnectionUnixUser", 0, string(sender))
	if call.Err != nil || len(call.Body) != 1 {
		return refused
	}
	uid, ok := call.Body[0].(uint32)
	if !ok {
		return refused
	}
	if uid == 0 || s.cfg.Agent != nil && uid == *s.cfg.Agent || s.cfg.Owner != nil && uid == *s.cfg.Owner {
		return nil
	}
	s.cfg.Log.Warn("refused a caller", "uid", uid)
	return refused
}

// device holds the methods of the interface.
type device struct{ s *Service }

// Disable turns Find My Device off if the provider accepts the proof.
func (d *device) Disable(sender dbus.Sender, proof map[string]dbus.Variant) (map[string]dbus.Variant, *dbus.Error) {
	return d.s.turn(sender, proof, "off")
}

// Enable turns it on likewise.
func (d *device) Enable(sender dbus.Sender, proof map[string]dbus.Variant) (map[string]dbus.Variant, *dbus.Error) {
	return d.s.turn(sender, proof, "on")
}

func (s *Service) turn(sender dbus.Sender, proof map[string]dbus.Variant, to string) (map[string]dbus.Variant, *dbus.Error) {
	if err := s.allowed(sender); err != nil {
		return nil, err
	}
	word, text := s.turnTo(proof, to)
	s.cfg.Log.Info("asked to turn "+to, "result", word)
	return map[string]dbus.Variant{findmy.ResultKey: dbus.MakeVariant(word), findmy.TextKey: dbus.MakeVariant(text)}, nil
}

func (s *Service) turnTo(proof map[string]dbus.Variant, to string) (word, text string) {
	password, ok := proof[findmy.ProofPassword].Value().(string)
	if !ok || password == "" || len(proof) != 1 {
		return findmy.ResultWrongProof, "the proof must be the account's password"
	}
	s.acting.Lock()
	defer s.acting.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	right, err := s.cfg.Check.Check(ctx, s.cfg.Account, password)
	if err != nil {
		return findmy.ResultUnreachable, err.Error()
	}
	if !right {
		return findmy.ResultWrongProof, "the provider does not accept this password"
	}
	next := state{State: to, ConfirmedBy: s.cfg.Confirmer, ObservedAt: s.cfg.Now().Unix()}
	if err := writeState(s.cfg.StateFile, next); err != nil {
		s.cfg.Log.Error("cannot keep the state", "error", err)
		return findmy.ResultFailed, "the device could not keep the new state"
	}
	s.mu.Lock()
	s.state = next
	s.mu.Unlock()
	if err := s.tell(); err != nil {
		s.cfg.Log.Error("cannot tell of the state", "error", err)
	}
	return findmy.ResultOK, ""
}

// tell sends PropertiesChanged with the names of what changed and no values:
// everybody on the system bus may hear it.
func (s *Service) tell() error {
	return s.conn.Emit(findmy.Path, "org.freedesktop.DBus.Properties.PropertiesChanged",
		findmy.Interface, map[string]dbus.Variant{}, []string{"State", "ConfirmedBy", "ObservedAt"})
}
