package client

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/api"
	"github.com/clearance-project/clearance/ipc/apitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T, world *apitest.World) (*Client, context.Context) {
	t.Helper()
	running := apitest.Serve(t, world)
	c := New(running.Socket)
	t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return c, ctx
}

func kindOf(err error) agent.Kind {
	if err == nil {
		return ""
	}
	return api.Tell(err).Kind
}

// run goes up to a step and returns how the departure stands.
func run(t *testing.T, ctx context.Context, c *Client, id string, until departure.Step) agent.DepartureInfo {
	t.Helper()
	job, err := c.Run(ctx, id, until)
	if err != nil {
		t.Fatal(err)
	}
	if job, err = c.Wait(ctx, job, nil); err != nil {
		t.Fatal(err)
	}
	return *job.Departure
}

// answer says yes to everything that is asked, except to leave things out.
func answer(t *testing.T, ctx context.Context, c *Client, info agent.DepartureInfo) agent.DepartureInfo {
	t.Helper()
	for _, check := range info.Verdict.Checks {
		if check.Ask == nil || check.Ask.Said || check.Ask.Kind == departure.Decline {
			continue
		}
		var err error
		info, err = c.Say(ctx, info.Departure.ID, agent.WordRequest{Check: check.ID, Kind: check.Ask.Kind,
			Subject: check.Ask.Subject, List: check.Ask.List, Statement: "I have seen this"})
		if err != nil {
			t.Fatalf("%s: %v", check.ID, err)
		}
	}
	return info
}

// A whole departure through the socket, from the plan to a redeemed permit.
func TestAWholeDeparture(t *testing.T) {
	world := apitest.NewWorld()
	c, ctx := connect(t, world)
	list, err := c.Accounts(ctx)
	accounts := list.Accounts
	if err != nil || len(accounts) != 1 || list.More != "" {
		t.Fatalf("%+v, %v", list, err)
	}
	job, err := c.Plan(ctx, accounts[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if job, err = c.Wait(ctx, job, nil); err != nil || job.Plan.Classes[0].OnlyCloud != 5 {
		t.Fatalf("%+v, %v", job, err)
	}
	info, err := c.StartDeparture(ctx, agent.StartRequest{Account: accounts[0].ID, Intent: departure.Delete})
	if err != nil {
		t.Fatal(err)
	}
	id := info.Departure.ID
	if _, err := c.SetDestination(ctx, id, "/media/usb"); err != nil {
		t.Fatal(err)
	}
	info = answer(t, ctx, c, run(t, ctx, c, id, departure.StepPermit))
	if _, err := c.Authorize(ctx, id, agent.AuthorizeRequest{Effects: info.Verdict.Pending, Proof: apitest.Password, Words: "old"}); kindOf(err) != agent.KindStale {
		t.Errorf("an authorisation over other words: %v", err)
	}
	if _, err := c.Authorize(ctx, id, agent.AuthorizeRequest{Effects: info.Verdict.Pending, Proof: apitest.Password, Words: info.WordsDigest}); err != nil {
		t.Fatal(err)
	}
	info = run(t, ctx, c, id, departure.StepPermit)
	if !info.Verdict.Ready || info.Live != agent.LiveReady {
		t.Fatalf("%s: %+v", info.Live, info.Verdict.Checks.Open())
	}
	if job, err = c.RequestPermit(ctx, id, "nonce-1-of-the-relying-party", "demo"); err != nil {
		t.Fatal(err)
	}
	if job, err = c.Wait(ctx, job, nil); err != nil {
		t.Fatal(err)
	}
	if job, err = c.Redeem(ctx, job.Permit.ID, "nonce-2-of-the-relying-party"); err != nil {
		t.Fatal(err)
	}
	if job, err = c.Wait(ctx, job, nil); err != nil || job.Receipt == nil {
		t.Fatalf("%+v, %v", job, err)
	}
}

func TestErrorsKeepTheirKind(t *testing.T) {
	c, ctx := connect(t, apitest.NewWorld())
	for name, tc := range map[string]struct {
		call func() error
		want agent.Kind
	}{
		"no such departure": {func() error { _, err := c.Departure(ctx, "nothing"); return err }, agent.KindNotFound},
		"no such account":   {func() error { _, err := c.Plan(ctx, "nothing"); return err }, agent.KindNotFound},
		"no such provider":  {func() error { _, err := c.AddAccount(ctx, "acme", "bob"); return err }, agent.KindInvalid},
		"no such job":       {func() error { _, err := c.Job(ctx, "a/b ?#"); return err }, agent.KindNotFound},
		"an odd name":       {func() error { _, err := c.RemoveSource(ctx, "x", "a/b"); return err }, agent.KindNotFound},
	} {
		if err := tc.call(); kindOf(err) != tc.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFailedJobIsItsError(t *testing.T) {
	c, ctx := connect(t, apitest.NewWorld())
	job, err := c.Redeem(ctx, "no-such-permit", "nonce-of-the-relying-party")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Wait(ctx, job, nil); kindOf(err) != agent.KindNotFound {
		t.Errorf("%v", err)
	}
}

func TestAJobCanBeCancelledAndTakenUp(t *testing.T) {
	world := apitest.NewWorld()
	held := world.Hold(departure.StepBackup)
	c, ctx := connect(t, world)
	info, err := c.StartDeparture(ctx, agent.StartRequest{Account: apitest.Account().ID, Intent: departure.Delete})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SetDestination(ctx, info.Departure.ID, "/media/usb"); err != nil {
		t.Fatal(err)
	}
	job, err := c.Run(ctx, info.Departure.ID, departure.StepVerify)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-held:
	case <-ctx.Done():
		t.Fatal("the copy did not begin")
	}
	short, cancel := context.WithCancel(ctx)
	var seen engine.Progress
	_, err = c.Wait(short, job, func(p engine.Progress) {
		if p.Step == departure.StepBackup {
			seen = p
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || seen.Total == 0 {
		t.Errorf("waiting ended with %v, having seen %+v", err, seen)
	}
	if _, err := c.CancelJob(ctx, job.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Wait(ctx, job, nil); kindOf(err) != agent.KindStale {
		t.Errorf("a cancelled job: %v", err)
	}
	world.Release(departure.StepBackup)
	if info := run(t, ctx, c, info.Departure.ID, departure.StepVerify); info.Copy.Items == 0 || info.Copy.Unread != 0 {
		t.Errorf("after taking it up: %+v", info.Copy)
	}
}

func TestNoAgentIsUnavailableAndSaysHowToStart(t *testing.T) {
	c := New(filepath.Join(t.TempDir(), "agent.sock"))
	defer c.Close()
	_, err := c.Accounts(context.Background())
	if kindOf(err) != agent.KindUnavailable || !strings.Contains(err.Error(), "clearanced --user") {
		t.Errorf("%v", err)
	}
}

func TestACancelledCallIsNoFaultOfTheAgent(t *testing.T) {
	c, _ := connect(t, apitest.NewWorld())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Accounts(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestAnAnswerThatIsNoneIsInternal(t *testing.T) {
	for name, answer := range map[string]string{
		"no reason": "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
		"no json":   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
	} {
		c := New(fake(t, answer))
		if _, err := c.Accounts(context.Background()); kindOf(err) != agent.KindInternal {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
	}
}

// A reader that lagged takes a new snapshot, and is not told of a loss.
func TestWatchTakesANewSnapshotAfterItLagged(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: here\n\n"
	c := New(fake(t,
		head+"event: update\ndata: {\"departure\":{\"live\":\"ready\"}}\n\nevent: end\ndata: {\"kind\":\"stale\",\"text\":\"too slow\"}\n\n",
		head+"event: update\ndata: {\"departure\":{\"live\":\"stop\"}}\n\n"))
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var seen []agent.Live
	for update, err := range c.Watch(ctx, "7") {
		if err != nil {
			t.Fatal(err)
		}
		if seen = append(seen, update.Departure.Live); len(seen) == 2 {
			break
		}
	}
	if !slices.Equal(seen, []agent.Live{agent.LiveReady, agent.LiveStop}) {
		t.Errorf("%v", seen)
	}
}

// fake answers connections with fixed bytes, one after the other.
func fake(t *testing.T, answers ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, answer := range answers {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err = conn.Read(make([]byte, 4096)); err == nil {
				_, err = io.WriteString(conn, answer)
			}
			if errors.Join(err, conn.Close()) != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return path
}

// Every entry of the table that answers a call has its typed method.
func TestTheClientMirrorsTheTable(t *testing.T) {
	names := map[string]string{
		api.ListProviders: "Providers", api.ListAccounts: "Accounts", api.ListDepartures: "Departures",
		api.GetDeparture: "Departure", api.ListDisks: "Disks", api.Acknowledge: "Say", api.GetJob: "Job", api.Events: "Watch",
	}
	typ := reflect.TypeFor[*Client]()
	for _, e := range api.Table() {
		name := e.Name
		if other, ok := names[name]; ok {
			name = other
		}
		if _, ok := typ.MethodByName(name); !ok {
			t.Errorf("%s has no method %s", e.Name, name)
		}
	}
}

func TestWatchTakesANewSnapshotAfterTheAgentCameBack(t *testing.T) {
	dir, err := os.MkdirTemp("", "watch")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "clearance", "agent.sock")
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	first, err := apitest.Start(ctx, socket, apitest.NewWorld())
	if err != nil {
		t.Fatal(err)
	}
	c := New(socket)
	defer c.Close()
	info, err := c.StartDeparture(ctx, agent.StartRequest{Account: apitest.Account().ID, Intent: departure.SignOut})
	if err != nil {
		t.Fatal(err)
	}
	stage, stopped := 0, false
	var second *apitest.Running
	for update, err := range c.Watch(ctx, info.Departure.ID) {
		if err == nil && update.Departure == nil {
			t.Fatal("an empty update")
		}
		switch {
		case stage == 0 && err == nil: // the snapshot
			if !stopped {
				stopped = true
				if err := first.Stop(); err != nil {
					t.Fatal(err)
				}
			}
		case stage == 0: // lost
			if kindOf(err) != agent.KindUnavailable {
				t.Fatal(err)
			}
			stage = 1
			if second, err = apitest.Start(ctx, socket, apitest.NewWorld()); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := second.Stop(); err != nil {
					t.Error(err)
				}
			}()
		case stage == 1: // the new agent does not know the departure: told at once, and the end
			if kindOf(err) != agent.KindNotFound {
				t.Fatalf("%+v, %v", update, err)
			}
			stage = 2
		}
	}
	if stage != 2 {
		t.Errorf("the watch ended at stage %d", stage)
	}
}

func TestWatchEndsWithItsReader(t *testing.T) {
	c, ctx := connect(t, apitest.NewWorld())
	info, err := c.StartDeparture(ctx, agent.StartRequest{Account: apitest.Account().ID, Intent: departure.SignOut})
	if err != nil {
		t.Fatal(err)
	}
	told := false
	for update, err := range c.Watch(ctx, info.Departure.ID) {
		if err != nil || update.Departure.Departure.ID != info.Departure.ID {
			t.Errorf("%+v, %v", update, err)
		}
		told = true
		break
	}
	if !told {
		t.Error("the watch told nothing")
	}
}
