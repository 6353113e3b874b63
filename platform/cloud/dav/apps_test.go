package dav

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

func TestApps(t *testing.T) {
	for _, prefix := range []string{"", "/cloud"} {
		s, err := davtest.New(davtest.Options{Prefix: prefix, Users: []davtest.User{{Name: "alice", Password: "x"}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		s.SetApps("deck", "mail")
		apps, err := client(t, configFor(s.URL())).Apps(t.Context())
		if err != nil || len(apps) != 10 || apps[8] != (App{"deck", "deck"}) {
			t.Errorf("below %q: %v, %v", prefix, apps, err)
		}
		wrong := configFor(s.URL())
		wrong.Credentials.Password = NewSecret("wrong")
		if _, err := client(t, wrong).Apps(t.Context()); !errors.Is(err, ErrUnauthorized) {
			t.Errorf("with a wrong password: %v", err)
		}
	}
}

// TestAppsOfAnotherKind: servers that are none, or that say something else.
func TestAppsOfAnotherKind(t *testing.T) {
	var answer string
	var status int
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(s.Close)
	c := client(t, configFor(s.URL+"/"))
	for name, tc := range map[string]struct {
		status int
		answer string
		want   error
	}{
		"no such page": {404, "", ErrNotFound},
		"no JSON":      {200, "<html>", ErrMalformed},
		"another form": {200, `{"apps": []}`, ErrMalformed},
		"another type": {200, `{"ocs": {"data": "files"}}`, ErrMalformed},
		"too long":     {200, `{"ocs": {"data": []}}` + strings.Repeat(" ", appsBytes), ErrTooLarge},
		"too many":     {200, `{"ocs": {"data": [` + strings.Repeat(`{"id":"x"},`, 300) + `{"id":"x"}]}}`, ErrTooLarge},
		"away":         {503, "", ErrUnavailable},
	} {
		status, answer = tc.status, tc.answer
		if apps, err := c.Apps(t.Context()); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, %v, want %v", name, apps, err, tc.want)
		}
	}
	plain := Config{Files: s.URL + "/dav/", Credentials: Credentials{User: "alice", Password: NewSecret("x")}}
	if _, err := client(t, plain).Apps(t.Context()); !errors.Is(err, ErrNoData) {
		t.Errorf("a server that is no Nextcloud: %v", err)
	}
}

func TestParseApps(t *testing.T) {
	apps, err := parseApps([]byte(`{"ocs": {"data": [{"id": "deck", "name": "Deck\u001b[2J"}, {"id": "../x", "name": "X"}, {"id": ""}, {"id": "mail"}, {"id": "x1", "name": "` + strings.Repeat("é", 200) + `"}]}}`))
	want := []App{{"deck", "Deck [2J"}, {"mail", "mail"}, {"x1", strings.Repeat("é", 60) + "…"}}
	if d := cmp.Diff(want, apps); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

func FuzzParseApps(f *testing.F) {
	f.Add([]byte(`{"ocs": {"data": [{"id": "deck", "name": "Deck"}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		apps, err := parseApps(raw)
		for _, a := range apps {
			if err != nil || a.ID == "" || a.Name == "" || strings.ContainsAny(a.Name, "\n\x1b") {
				t.Errorf("%+v, %v", a, err)
			}
		}
	})
}
