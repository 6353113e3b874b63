package devicesvc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/clearance-project/clearance/platform/findmy"
	"github.com/godbus/dbus/v5"
)

type answer struct {
	right bool
	err   error
}

func (a answer) Check(context.Context, string, string) (bool, error) { return a.right, a.err }

func config(t *testing.T, c Checker) Config {
	t.Helper()
	return Config{
		Vendor: "One", Provider: "demo", Account: "alice", StateFile: filepath.Join(t.TempDir(), "state"),
		Check: c, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	if _, err := New(config(t, answer{})); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"no vendor": func(c *Config) { c.Vendor = "" }, "vendor with a dot": func(c *Config) { c.Vendor = "a.b" },
		"no provider": func(c *Config) { c.Provider = "" }, "no account": func(c *Config) { c.Account = "" },
		"no checker": func(c *Config) { c.Check = nil }, "relative state": func(c *Config) { c.StateFile = "state" },
	} {
		c := config(t, answer{})
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A state file that is damaged never reads as off.
func TestDamagedState(t *testing.T) {
	for _, text := range []string{"", "off", "{}", `{"state":"OFF"}`, `{"state":"unknown"}`, `{"state":"off","x":1}`, `{"state":`} {
		c := config(t, answer{})
		if err := os.WriteFile(c.StateFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := New(c); err == nil {
			t.Errorf("%q was read as %q", text, s.now().State)
		}
	}
	c := config(t, answer{})
	if err := os.Mkdir(c.StateFile, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := New(c); err == nil {
		t.Error("a folder was read as state")
	}
}

// A state that cannot be kept is not taken.
func TestStateThatCannotBeKept(t *testing.T) {
	c := config(t, answer{right: true})
	c.StateFile = filepath.Join(filepath.Dir(c.StateFile), "absent", "state")
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	word, _ := s.turnTo(map[string]dbus.Variant{findmy.ProofPassword: dbus.MakeVariant("x")}, "off")
	if word != findmy.ResultFailed || s.now().State != "on" {
		t.Errorf("%s, state %s", word, s.now().State)
	}
}

func TestProofsThatAreRefused(t *testing.T) {
	s, err := New(config(t, answer{err: errors.New("must not be asked")}))
	if err != nil {
		t.Fatal(err)
	}
	v := dbus.MakeVariant("secret")
	for name, proof := range map[string]map[string]dbus.Variant{
		"none": nil, "empty": {findmy.ProofPassword: dbus.MakeVariant("")}, "another type": {findmy.ProofPassword: dbus.MakeVariant(1)},
		"a PIN": {"pin": v}, "two": {findmy.ProofPassword: v, findmy.ProofOTP: v},
	} {
		if word, _ := s.turnTo(proof, "off"); word != findmy.ResultWrongProof || s.now().State != "on" {
			t.Errorf("%s: %s, state %s", name, word, s.now().State)
		}
	}
}

func TestCheckAddresses(t *testing.T) {
	for address, good := range map[string]bool{
		"https://cloud.example/login": true, "http://127.0.0.1:80/": true, "http://localhost/": true, "http://[::1]:8/": true,
		"http://cloud.example/": false, "http://127.0.0.1.cloud.example/": false, "ftp://localhost/": false,
		"https://user:pass@cloud.example/": false, "": false, "/login": false, "https://": false, ":": false,
	} {
		if _, err := NewHTTPCheck(address, ""); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := NewHTTPCheck("https://cloud.example/", "a:b"); err == nil {
		t.Error("a name with a colon was accepted")
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	gate := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-gate }))
	defer server.Close()
	defer close(gate)
	check, err := NewHTTPCheck(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if right, err := check.Check(ctx, "alice", "x"); right || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, %v", right, err)
	}
	if right, err := check.Check(t.Context(), "a:b", "x"); right || err == nil {
		t.Errorf("an account with a colon: %v, %v", right, err)
	}
}
