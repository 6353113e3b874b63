package api

import (
	"context"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/engine"
)

func TestTheTableIsWhole(t *testing.T) {
	if err := Check(Table()); err != nil {
		t.Fatal(err)
	}
}

func TestATableThatLacksAnEntryFails(t *testing.T) {
	for i, e := range Table() {
		if err := Check(slices.Delete(Table(), i, i+1)); err == nil || !strings.Contains(err.Error(), e.Calls) {
			t.Errorf("without %s: %v", e.Name, err)
		}
	}
}

func TestATableWithAFaultFails(t *testing.T) {
	faults := map[string]func(*Entry){
		"no class":       func(e *Entry) { e.Class = "" },
		"unknown class":  func(e *Entry) { e.Class = "everyone" },
		"no route":       func(e *Entry) { e.Route = "" },
		"no command":     func(e *Entry) { e.CLI = "" },
		"no schema":      func(e *Entry) { e.In = nil },
		"no call":        func(e *Entry) { e.invoke = nil },
		"other method":   func(e *Entry) { e.Calls = "Nothing" },
		"route of other": func(e *Entry) { e.Route = "/v1/providers" },
		"rises nowhere":  func(e *Entry) { e.Rises = true },
	}
	for name, fault := range faults {
		table := Table()
		fault(&table[0])
		if Check(table) == nil {
			t.Errorf("%s: the table was taken", name)
		}
	}
	if Check(append(Table(), Table()[0])) == nil {
		t.Error("an entry twice was taken")
	}
}

func TestEveryKindHasAnOutcome(t *testing.T) {
	all := []agent.Kind{
		agent.KindNotReady, agent.KindNotAuthorized, agent.KindGrantRequired, agent.KindDelayPending,
		agent.KindStale, agent.KindProviderUnreachable, agent.KindPolicyInvalid, agent.KindBusy,
		agent.KindUnavailable, agent.KindNotFound, agent.KindInvalid, agent.KindInternal,
	}
	if len(kinds) != len(all) {
		t.Errorf("%d kinds have an outcome, not %d", len(kinds), len(all))
	}
	for _, kind := range all {
		if o := kinds[kind]; o.Status < 400 || o.Exit == ExitOK {
			t.Errorf("%s shows as %+v", kind, o)
		}
	}
	if OutcomeOf("never heard of") != OutcomeOf(agent.KindInternal) {
		t.Error("an unknown kind does not show as internal")
	}
}

func TestTellHidesWhatIsNotMeantForTheCaller(t *testing.T) {
	if told := Tell(errors.New("open /home/alice/secret: no")); told.Kind != agent.KindInternal || strings.Contains(told.Text, "alice") {
		t.Errorf("told %+v", told)
	}
}

func TestDecodeIsClosed(t *testing.T) {
	refused := map[string]string{
		"unknown field": `{"provider":"x","identity":"y","extra":1}`,
		"wrong type":    `{"provider":7}`,
		"no object":     `[1]`,
		"trailing":      `{"provider":"x"} {"provider":"y"}`,
		"trailing text": `{"provider":"x"}garbage`,
		"cut off":       `{"provider":"x"`,
		"too large":     `{"provider":"` + strings.Repeat("x", MaxRequest) + `"}`,
		"too much air":  `{"provider":"x"}` + strings.Repeat(" ", MaxRequest),
		"air alone":     strings.Repeat(" ", MaxRequest+1),
	}
	for name, body := range refused {
		var in AddAccountRequest
		if err := Decode(strings.NewReader(body), &in); Tell(err).Kind != agent.KindInvalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var in AddAccountRequest
	if err := Decode(strings.NewReader(` {"provider":"x","identity":"y"} `), &in); err != nil || in.Identity != "y" {
		t.Errorf("a sound request: %+v, %v", in, err)
	}
	if err := Decode(strings.NewReader(""), &Nothing{}); err != nil {
		t.Errorf("no request at all: %v", err)
	}
}

func TestDecodeDoesNotRepeatASecret(t *testing.T) {
	for _, body := range []string{`{"password":["hunter2"]}`, `{"password":"hunter2"`, `{"password":"hunter2"}hunter2`} {
		var in CredentialRequest
		if err := Decode(strings.NewReader(body), &in); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestQueriesRoundTripAndAreClosed(t *testing.T) {
	want := engine.ItemFilter{Dataset: "photos", Failed: true, Cursor: "a b&c", Limit: 7}
	var got engine.ItemFilter
	if err := DecodeQuery(EncodeQuery(want), &got); err != nil || !cmp.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, q := range []string{"what=1", "limit=many", "failed=perhaps", "limit=1&limit=2", "=x"} {
		values, err := url.ParseQuery(q)
		if err != nil {
			t.Fatal(err)
		}
		if DecodeQuery(values, &got) == nil {
			t.Errorf("%s was taken", q)
		}
	}
}

// Every field of a request that is read from an address must be of a type that
// an address can carry.
func TestRequestsOfGetAreFlat(t *testing.T) {
	for _, e := range Table() {
		if e.Verb != "GET" {
			continue
		}
		for i := range e.In.NumField() {
			if err := setField(reflect.New(e.In).Elem().Field(i), "1"); err != nil {
				t.Errorf("%s: the field %s: %v", e.Name, e.In.Field(i).Name, err)
			}
		}
	}
}

func TestObjects(t *testing.T) {
	for name, want := range map[string]Object{
		Plan: {"account", "7"}, Authorize: {"departure", "7"}, Redeem: {"permit", "7"}, GetJob: {"job", "7"},
		ListAccounts: {}, StartDeparture: {}, Events: {},
	} {
		e, ok := Lookup(name)
		if got := e.Object("7"); !ok || got != want {
			t.Errorf("%s is about %+v", name, got)
		}
	}
}

func TestAStreamIsNotInvoked(t *testing.T) {
	e, _ := Lookup(Events)
	if _, err := e.Invoke(context.Background(), nil, Args{}); err == nil {
		t.Error("a stream was called")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"provider":"x","identity":"y"}`)
	f.Add(`{"provider":1}{`)
	f.Fuzz(func(t *testing.T, body string) {
		var in AddAccountRequest
		if err := Decode(strings.NewReader(body), &in); err != nil && Tell(err).Kind != agent.KindInvalid {
			t.Errorf("%v", err)
		}
	})
}
