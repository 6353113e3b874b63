package apitest

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/policy"
	"github.com/clearance-project/clearance/agent/provider"
	"github.com/clearance-project/clearance/ipc/authz"
	"github.com/clearance-project/clearance/ipc/httpd"
)

// Running is an agent that serves a world.
type Running struct {
	Socket  string
	World   *World
	Service *agent.Service
	stop    func() error
}

// Stop ends the agent and returns what it ended with.
func (r *Running) Stop() error { return r.stop() }

// Start serves a world at a socket until ctx ends or Stop.
func Start(ctx context.Context, socket string, world *World) (*Running, error) {
	service, err := newService(world)
	if err != nil {
		return nil, err
	}
	listener, err := httpd.Listen(socket)
	if err != nil {
		return nil, err
	}
	server, err := httpd.New(service, authz.Personal{UID: uint32(os.Getuid())}, httpd.Options{})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	if err := service.Start(ctx); err != nil {
		cancel()
		return nil, errors.Join(err, listener.Close())
	}
	done := make(chan error, 1)
	go func() { done <- errors.Join(server.Serve(ctx, listener), listener.Close()) }()
	return &Running{Socket: socket, World: world, Service: service, stop: func() error {
		cancel()
		err := <-done
		service.Close()
		return err
	}}, nil
}

// Serve is Start for the length of a test.
func Serve(t testing.TB, world *World) *Running {
	t.Helper()
	dir, err := os.MkdirTemp("", "apitest") // shorter than t.TempDir: a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	running, err := Start(context.Background(), filepath.Join(dir, "clearance", "agent.sock"), world)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(running.Stop(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return running
}

func newService(world *World) (*agent.Service, error) {
	profiles, err := provider.Load(nil)
	if err != nil {
		return nil, err
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	return agent.NewService(agent.Config{
		Version: "test", Store: newStore(), Worker: world, Restorer: world, Tracker: tracker{world}, Clock: wall{},
		Profiles: profiles, Rules: policy.Default(), Assured: departure.AssuredPersonal,
		Health: func() departure.Health {
			return departure.Health{Worker: true, Buses: true, Store: true, Clock: true}
		},
		Signer: signer{private}, Secret: []byte("pairwise"), BootID: "boot-1",
		JWKS: func() ([]byte, error) {
			return json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, Algorithm: "EdDSA", Use: "sig"}}})
		},
		Disks:  disks{world},
		Closed: func() string { return "" }, Fault: func(string, string) {},
		Doctor: func(context.Context) []agent.DoctorEntry {
			return []agent.DoctorEntry{{Name: "find-my-device", OK: true, Text: "one service answers"}}
		},
	}), nil
}

// signer signs with a key that lives as long as the agent.
type signer struct{ key ed25519.PrivateKey }

func (s signer) Sign(typ string, claims []byte) (string, error) {
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: s.key}, options)
	if err != nil {
		return "", err
	}
	signed, err := made.Sign(claims)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// wall is this machine's clock.
type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func (wall) After(d time.Duration) (<-chan time.Time, func()) {
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}
