package dav

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

func TestRedirectElsewhereGetsNoCredentials(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 5})
	thief := cloud(t, davtest.Options{}, davtest.Content{Contacts: 5})
	c := client(t, configFor(s.URL()))
	coll, l := bookListed(t, c)
	_, port, _ := strings.Cut(s.Addr(), ":")
	for _, to := range []string{thief.URL(), "//" + thief.Addr() + "/", "https://" + s.Addr() + "/", "http://localhost:" + port + "/", "ftp://" + s.Addr() + "/"} {
		f := s.Inject(davtest.Fault{Status: 301, Location: to})
		again, err := c.List(deadline(t), coll)
		wantIncomplete(t, again, err, ErrForeign)
		var redirect *RedirectError
		if !errors.As(err, &redirect) || redirect.To == "" {
			t.Errorf("%s: %v is no RedirectError", to, err)
		}
		fetched, err := c.Fetch(deadline(t), coll, l.Items, new(bag).take)
		if !errors.Is(err, ErrForeign) || fetched.Count != 0 {
			t.Errorf("%s: fetched %+v, %v", to, fetched, err)
		}
		if _, err := c.AddressBooks(deadline(t)); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: discovery gives %v", to, err)
		}
		if f.Fired() < 3 {
			t.Errorf("%s: fired %d times", to, f.Fired())
		}
		s.Heal()
	}
	if got := thief.Requests(); len(got) != 0 {
		t.Errorf("the other server saw %+v", got)
	}
}

func TestCertificate(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 3})
	secure := httptest.NewTLSServer(s)
	defer secure.Close()
	config := configFor(secure.URL + "/")
	if _, err := client(t, config).AddressBooks(deadline(t)); !errors.Is(err, ErrCertificate) {
		t.Errorf("an unknown certificate gives %v", err)
	}
	if s.Credentialed() != 0 {
		t.Error("credentials went to a server with a bad certificate")
	}
	config.AcceptInvalidCert = true
	c := client(t, config)
	if l, err := c.List(deadline(t), book(t, c)); err != nil || l.Count != 3 {
		t.Errorf("accepted: %d, %v", l.Count, err)
	}
}

// TestOverHTTP1: programs are built without HTTP/2, so nothing may rest on it,
// also where a server offers it.
func TestOverHTTP1(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 3})
	var spoken atomic.Int32
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		spoken.Store(int32(r.ProtoMajor))
		s.ServeHTTP(w, r)
	}))
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	config := configFor(secure.URL + "/")
	config.AcceptInvalidCert = true
	c := client(t, config)
	if l, err := c.List(deadline(t), book(t, c)); err != nil || l.Count != 3 || spoken.Load() != 1 {
		t.Errorf("%d over HTTP/%d, %v", l.Count, spoken.Load(), err)
	}
}

func TestBearer(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 3})
	config := configFor(s.URL())
	config.Credentials = Credentials{Bearer: NewSecret("t0ken")}
	c := client(t, config)
	if l, err := c.List(deadline(t), book(t, c)); err != nil || l.Count != 3 {
		t.Errorf("%d, %v", l.Count, err)
	}
	config.Credentials.Bearer = NewSecret("other")
	if _, err := client(t, config).AddressBooks(deadline(t)); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("a wrong token gives %v", err)
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	config := configFor("http://h/")
	config.Credentials.Password = NewSecret("hunter2")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, config); strings.Contains(got, "hunter2") || strings.Contains(got, "68756e") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if text, err := config.Credentials.Password.MarshalText(); err != nil || bytes.Contains(text, []byte("hunter")) {
		t.Errorf("marshals as %s, %v", text, err)
	}
}

// TestUpgradeToTLS: a redirect from http to https of the same host is followed;
// the way back, and any other port, is not.
func TestUpgradeToTLS(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 5})
	secure := httptest.NewTLSServer(s)
	defer secure.Close()
	to := "https://cloud.example"
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to+r.URL.Path, http.StatusPermanentRedirect)
	}))
	defer plain.Close()
	config := configFor("http://cloud.example/")
	config.AcceptInvalidCert = true
	c := client(t, config)
	c.transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		at := map[string]string{"cloud.example:80": plain.Listener.Addr().String(), "cloud.example:443": secure.Listener.Addr().String()}[addr]
		if at == "" {
			return nil, fmt.Errorf("nobody is at %s", addr)
		}
		return new(net.Dialer).DialContext(ctx, network, at)
	}
	if l, err := c.List(deadline(t), book(t, c)); err != nil || l.Count != 5 {
		t.Errorf("upgraded: %d, %v", l.Count, err)
	}
	for _, to = range []string{"https://cloud.example:8443", "https://other.example", "http://cloud.example:8080"} {
		if _, err := c.AddressBooks(deadline(t)); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", to, err)
		}
	}
	config = configFor("https://cloud.example/")
	config.AcceptInvalidCert = true
	down := client(t, config)
	down.transport.DialContext = c.transport.DialContext
	s.Inject(davtest.Fault{Status: http.StatusFound, Location: "http://cloud.example/"})
	if _, err := down.AddressBooks(deadline(t)); !errors.Is(err, ErrForeign) {
		t.Errorf("from https to http: %v", err)
	}
}
