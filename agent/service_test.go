package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/policy"
	"github.com/clearance-project/clearance/agent/provider"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// owner is who asks in most tests.
var owner = agent.Caller{UID: 1000, Known: true}

const nonce = "0123456789abcdef"

// profiles is the catalogue with a provider for the world's accounts.
func profiles(t testing.TB) *provider.Catalogue {
	t.Helper()
	raw, err := os.ReadFile("provider/catalogue/nextcloud.json")
	if err != nil {
		t.Fatal(err)
	}
	var p map[string]any
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	p["id"], p["name"], p["goa_types"] = "cloud", "Cloud", []string{}
	if raw, err = json.Marshal(p); err != nil {
		t.Fatal(err)
	}
	c, err := provider.Load(fstest.MapFS{"cloud.json": &fstest.MapFile{Data: raw}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type plain struct{}

func (plain) Sign(typ string, claims []byte) (string, error) { return typ + " " + string(claims), nil }

// desk is a service over a world, and what a person at it does.
type desk struct {
	t testing.TB
	w *world.World
	s *agent.Service
}

// bubble is a test of a service with a time of its own, in which every goroutine
// must end.
func bubble(t *testing.T, test func(*testing.T, *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := world.New()
		w.Live = true
		d := &desk{t: t, w: w, s: service(t, w)}
		d.ok(d.s.Start(context.Background()))
		defer d.s.Close()
		test(t, d)
	})
}

func service(t testing.TB, w *world.World) *agent.Service {
	return agent.NewService(agent.Config{
		Version: "1.2.3", Store: w.Storage(), Worker: w.Worker(), Tracker: w.Phone(), Clock: w.Clock(),
		Profiles: profiles(t), Rules: policy.Default(), Assured: departure.AssuredPersonal,
		Health: func() departure.Health { return departure.Health{Buses: true, Store: true, Clock: true} },
		Signer: plain{}, JWKS: func() ([]byte, error) { return []byte("{}"), nil }, Secret: []byte("secret"), BootID: "boot",
		Closed: func() string { return "" }, Doctor: func(context.Context) []agent.DoctorEntry { return nil },
	})
}

func (d *desk) ok(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// kind holds that err is of that kind.
func (d *desk) kind(err error, want agent.Kind) agent.Error {
	d.t.Helper()
	var told *agent.Error
	if !errors.As(err, &told) || told.Kind != want || told.Text == "" {
		d.t.Fatalf("got %v (%T), want the kind %q", err, err, want)
	}
	return *told
}

func (d *desk) start(intent departure.Intent) agent.DepartureInfo {
	d.t.Helper()
	info, err := d.s.StartDeparture(d.t.Context(), owner, agent.StartRequest{Account: world.Me.ID, Intent: intent})
	d.ok(err)
	return info
}

// job waits for a job's end.
func (d *desk) job(info agent.JobInfo, err error) agent.JobInfo {
	d.t.Helper()
	d.ok(err)
	for range 1000 {
		synctest.Wait()
		if info, err = d.s.Job(d.t.Context(), owner, info.ID); err != nil || info.State != agent.JobRunning {
			break
		}
		elapse(time.Second)
	}
	d.ok(err)
	return info
}

// copied and read are how many items are in the copy, and were read back.
func (d *desk) copied() (n int) {
	d.w.Do(func() { n = len(d.w.Ledger) })
	return n
}

func (d *desk) read() (n int) {
	d.w.Do(func() { n = len(d.w.Read) })
	return n
}

func (d *desk) info(id string) agent.DepartureInfo {
	d.t.Helper()
	info, err := d.s.Departure(d.t.Context(), owner, id)
	d.ok(err)
	return info
}

// answer says yes to all that is asked, and authorises it.
func (d *desk) answer(id string) {
	d.t.Helper()
	for _, c := range d.info(id).Verdict.Checks.Open() {
		if c.Ask == nil || c.Ask.Said || c.ID == departure.KeptHere || c.ID == departure.ServerSeen {
			continue
		}
		_, err := d.s.Say(d.t.Context(), owner, id, agent.WordRequest{Check: c.ID, Kind: c.Ask.Kind, Subject: c.Ask.Subject, List: c.Ask.List, Statement: "yes"})
		d.ok(err)
	}
	info := d.info(id)
	_, err := d.s.Authorize(d.t.Context(), owner, id, agent.AuthorizeRequest{Effects: info.Verdict.Pending, Proof: "right", Words: info.WordsDigest})
	d.ok(err)
}

// leave brings a departure to ready, or a sign-out to its end.
func (d *desk) leave(intent departure.Intent) string {
	d.t.Helper()
	id := d.start(intent).Departure.ID
	d.goOn(id)
	return id
}

func (d *desk) goOn(id string) {
	d.t.Helper()
	_, err := d.s.SetDestination(d.t.Context(), owner, id, "/media/disk")
	d.ok(err)
	for range 5 {
		info := d.job(d.s.Run(d.t.Context(), owner, id, ""))
		if info.State != agent.JobDone {
			d.t.Fatalf("run: %+v", info.Error)
		}
		elapse(5 * time.Second) // what was told meanwhile is looked at
		synctest.Wait()
		if got := d.info(id); got.State != engine.Open || got.Live == agent.LiveReady {
			return
		}
		d.answer(id)
	}
	for _, c := range d.info(id).Verdict.Checks.Open() {
		d.t.Logf("%s %s: %s", c.ID, c.Status, c.Reason.Text)
	}
	d.t.Fatal("it is never ready")
}

func TestFromTheFirstQuestionToTheProof(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		accounts, err := d.s.Accounts(t.Context(), owner)
		d.ok(err)
		if len(accounts) != 1 || accounts[0].ID != world.Me.ID || accounts[0].ProviderName != "Cloud" || accounts[0].Departure != "" {
			t.Fatalf("accounts %+v", accounts)
		}
		plan := d.job(d.s.Plan(t.Context(), owner, world.Me.ID)).Plan
		if plan == nil || !plan.Complete || d.copied() != 0 || len(plan.Bindings) != 1 || len(plan.Trackers) != 1 {
			t.Fatalf("plan %+v", plan)
		}
		for _, c := range plan.Classes {
			if len(c.Sources) > 0 && (c.Items != 2 || c.OnlyCloud != 2 || c.Bytes != 20) {
				t.Errorf("%s: %+v", c.Dataset, c)
			}
		}
		id := d.start(departure.Delete).Departure.ID
		if got := d.info(id); got.Until != departure.StepInventory || got.Path == nil || got.Departure.By != "uid:1000" {
			t.Errorf("started as %+v", got.Departure)
		}
		d.goOn(id)
		info := d.info(id)
		if info.Live != agent.LiveReady || info.Waiting != nil || info.Step != departure.StepTrack || !info.Verdict.Until.After(time.Now()) {
			t.Errorf("%s, waiting for %v, step %s", info.Live, info.Waiting, info.Step)
		}
		first := d.job(d.s.RequestPermit(t.Context(), owner, id, nonce, "rp"))
		second := d.job(d.s.RequestPermit(t.Context(), owner, id, nonce, "rp"))
		if first.Permit == nil || first.Permit.Token == "" || second.Permit == nil {
			t.Fatalf("permits %+v %+v", first, second)
		}
		receipt := d.job(d.s.Redeem(t.Context(), owner, first.Permit.ID, "a-nonce-of-its-own")).Receipt
		if receipt == nil || receipt.Token == "" || receipt.Permit != first.Permit.ID {
			t.Fatalf("receipt %+v", receipt)
		}
		d.secrets(id, first.Permit.Token, receipt.Token)

		d.w.Do(func() { d.w.Cloud[departure.Photos]["new"] = 1; d.w.Touch("") })
		if live := d.info(id).Live; live != agent.LiveStop {
			t.Errorf("%s after a change", live)
		}
		refused := d.job(d.s.Redeem(t.Context(), owner, second.Permit.ID, "a-nonce-of-its-own"))
		if refused.State != agent.JobFailed || refused.Error == nil || refused.Receipt != nil {
			t.Fatalf("redeemed %+v", refused)
		}
		if k := refused.Error.Kind; k != agent.KindStale && k != agent.KindNotReady {
			t.Errorf("refused as %s", k)
		}
		if got := d.info(id).Live; got != agent.LiveStop {
			t.Errorf("%s after it was looked at", got)
		}
		d.goOn(id)
		again := d.job(d.s.Redeem(t.Context(), owner, second.Permit.ID, "a-nonce-of-its-own"))
		if again.Error == nil || again.Error.Kind != agent.KindStale {
			t.Errorf("an old permit counts again: %+v", again)
		}
		_, err = d.s.Submitted(t.Context(), owner, id, time.Now())
		d.ok(err)
		if got := d.info(id); got.Live != agent.LiveClosed || got.State != engine.Finished {
			t.Errorf("%s, %s after the deletion", got.Live, got.State)
		}
	})
}

// secrets holds that what everyone may read holds nothing that lends power.
func (d *desk) secrets(id string, tokens ...string) {
	d.t.Helper()
	page, err := d.s.Departures(d.t.Context(), owner, agent.Page{})
	d.ok(err)
	raw, err := json.Marshal([]any{d.info(id), page})
	d.ok(err)
	for _, secret := range append(tokens, `"right"`, nonce, "a-nonce-of-its-own", "clearance-permit", "clearance-receipt") {
		if strings.Contains(string(raw), secret) {
			d.t.Errorf("%q is told", secret)
		}
	}
	if len(d.info(id).Permits) == 0 || d.info(id).Permits[0].Redeemed.IsZero() {
		d.t.Error("the permits are not listed")
	}
}

func TestStart(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		for name, c := range map[string]struct {
			req  agent.StartRequest
			kind agent.Kind
		}{
			"no such account": {agent.StartRequest{Account: "x", Intent: departure.Delete}, agent.KindNotFound},
			"no intent":       {agent.StartRequest{Account: world.Me.ID}, agent.KindInvalid},
			"no such fate":    {agent.StartRequest{Account: world.Me.ID, Intent: departure.Delete, Fate: "eaten"}, agent.KindInvalid},
			"no such way":     {agent.StartRequest{Account: world.Me.ID, Intent: departure.Delete, Path: "fax"}, agent.KindInvalid},
			"no such data":    {agent.StartRequest{Account: world.Me.ID, Intent: departure.Delete, Extra: []departure.Dataset{"songs"}}, agent.KindInvalid},
		} {
			_, err := d.s.StartDeparture(t.Context(), owner, c.req)
			if _ = d.kind(err, c.kind); d.copied() != 0 {
				t.Errorf("%s: something was copied", name)
			}
		}
		first := d.start(departure.SignOut)
		if again := d.start(departure.SignOut); again.Departure.ID != first.Departure.ID {
			t.Error("the same again is another")
		}
		raised := d.start(departure.Delete)
		if raised.Departure.ID != first.Departure.ID || raised.Departure.Intent != departure.Delete || raised.Departure.Path == "" {
			t.Errorf("raised to %+v", raised.Departure)
		}
		_, err := d.s.StartDeparture(t.Context(), owner, agent.StartRequest{Account: world.Me.ID, Intent: departure.SignOut})
		if told := d.kind(err, agent.KindBusy); told.Remedy == nil {
			t.Error("nothing is said to do")
		}
		_, err = d.s.Cancel(t.Context(), owner, first.Departure.ID, false, "")
		d.ok(err)
		if next := d.start(departure.SignOut); next.Departure.ID == first.Departure.ID {
			t.Error("a cancelled one goes on")
		}
	})
}

func TestFinishedSignOutIsRaised(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.leave(departure.SignOut)
		if got := d.info(id); got.State != engine.Finished || got.Live != agent.LiveClosed {
			t.Fatalf("%s %s", got.State, got.Live)
		}
		if raised := d.start(departure.Delete); raised.Departure.ID != id || raised.State != engine.Open {
			t.Fatalf("raised to %+v", raised.Departure)
		}
		d.goOn(id)
	})
}

func TestRun(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.start(departure.Delete).Departure.ID
		_, err := d.s.Run(t.Context(), owner, id, "dance")
		_ = d.kind(err, agent.KindInvalid)
		_, err = d.s.Run(t.Context(), owner, "none", "")
		_ = d.kind(err, agent.KindNotFound)
		_, err = d.s.SetDestination(t.Context(), owner, id, "/media/disk")
		d.ok(err)
		if n := d.copied(); n != 0 {
			t.Errorf("%d items copied before anyone said so", n)
		}
		d.job(d.s.Run(t.Context(), owner, id, departure.StepBackup))
		if d.copied() == 0 || d.read() != 0 {
			t.Errorf("%d copied, %d read back", d.copied(), d.read())
		}
		if job := d.job(d.s.Run(t.Context(), owner, id, "")); job.Departure == nil || job.Departure.Until != departure.StepTrack || d.read() == 0 {
			t.Errorf("run to %+v", job)
		}
	})
}

func TestCancelledRunStaysStopped(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.start(departure.Delete).Departure.ID
		_, err := d.s.SetDestination(t.Context(), owner, id, "/media/disk")
		d.ok(err)
		d.w.Do(func() { d.w.Block["Backup"] = make(chan struct{}) })
		job, err := d.s.Run(t.Context(), owner, id, "")
		d.ok(err)
		elapse(time.Second)
		if info := d.info(id); !info.Running {
			t.Fatal("nothing runs")
		}
		_, err = d.s.CancelJob(t.Context(), owner, job.ID)
		d.ok(err)
		if got := d.job(job, nil); got.State != agent.JobCancelled || got.Error == nil {
			t.Errorf("cancelled: %+v", got)
		}
		d.w.Do(func() { delete(d.w.Block, "Backup") })
		elapse(time.Hour)
		if n := d.copied(); n != 0 {
			t.Errorf("%d items copied after it was stopped", n)
		}
		d.goOn(id)
	})
}

// The agent ends in the midst of a copy: the next one goes on by itself.
func TestStopOfTheAgentGoesOnAtTheNextStart(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.start(departure.Delete).Departure.ID
		_, err := d.s.SetDestination(t.Context(), owner, id, "/media/disk")
		d.ok(err)
		d.w.Do(func() { d.w.Block["Backup"] = make(chan struct{}) })
		_, err = d.s.Run(t.Context(), owner, id, "")
		d.ok(err)
		elapse(time.Second)
		d.s.Close()
		_, err = d.s.Run(t.Context(), owner, id, "")
		_ = d.kind(err, agent.KindUnavailable)
		d.w.Do(func() { delete(d.w.Block, "Backup") })
		d.w.Crash()
		d.s = service(t, d.w)
		d.ok(d.s.Start(context.Background()))
		defer d.s.Close()
		elapse(time.Second)
		if d.copied() == 0 {
			t.Error("nothing was copied by itself")
		}
		if got := d.info(id); got.Until != departure.StepTrack {
			t.Errorf("it goes on to %s", got.Until)
		}
	})
}

func TestAtOwnRisk(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.start(departure.Delete).Departure.ID
		d.job(d.s.Run(t.Context(), owner, id, ""))
		lost, list, err := d.s.AtOwnRiskList(t.Context(), owner, id)
		d.ok(err)
		if len(lost) < 5 || list == "" {
			t.Fatalf("%d lines", len(lost))
		}
		_, err = d.s.AtOwnRisk(t.Context(), owner, id, "old")
		_ = d.kind(err, agent.KindStale)
		token, err := d.s.AtOwnRisk(t.Context(), owner, id, list)
		d.ok(err)
		if !strings.HasPrefix(token, "clearance-list+jwt ") || strings.Contains(token, "alice@cloud") {
			t.Errorf("signed %s", token)
		}
		if n := len(d.info(id).Permits); n != 0 {
			t.Errorf("it gave %d permits", n)
		}
		// Something is settled: the list is another.
		_, err = d.s.SetDestination(t.Context(), owner, id, "/media/disk")
		d.ok(err)
		d.job(d.s.Run(t.Context(), owner, id, ""))
		_, err = d.s.AtOwnRisk(t.Context(), owner, id, list)
		_ = d.kind(err, agent.KindStale)
		_, _, err = d.s.AtOwnRiskList(t.Context(), owner, "none")
		_ = d.kind(err, agent.KindNotFound)
	})
}

func TestSources(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		_, err := d.s.AddSource(t.Context(), owner, world.Me.ID, "songs", "/x")
		_ = d.kind(err, agent.KindInvalid)
		_, err = d.s.AddSource(t.Context(), owner, "none", departure.Photos, "/x")
		_ = d.kind(err, agent.KindNotFound)
		id := d.start(departure.Delete).Departure.ID
		for range 2 {
			a, err := d.s.AddSource(t.Context(), owner, world.Me.ID, departure.Photos, "/export")
			d.ok(err)
			if len(a.Given) != 1 || len(d.info(id).Given) != 1 {
				t.Errorf("given %v, in the leaving %v", a.Given, d.info(id).Given)
			}
		}
		_, err = d.s.RemoveSource(t.Context(), owner, world.Me.ID, "none")
		_ = d.kind(err, agent.KindNotFound)
		a, err := d.s.RemoveSource(t.Context(), owner, world.Me.ID, world.GivenID)
		d.ok(err)
		if len(a.Given) != 0 || len(d.info(id).Given) != 0 {
			t.Errorf("given %v", a.Given)
		}
		_, err = d.s.SetDestination(t.Context(), owner, id, "/dev/shm")
		if told := d.kind(err, agent.KindInvalid); !strings.Contains(told.Text, "switched off") {
			t.Error(told.Text)
		}
	})
}

func TestDeclare(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		for _, c := range [][2]string{{"nowhere", "x"}, {"xiaomi", ""}, {"xiaomi", "a\nb"}, {"xiaomi", strings.Repeat("x", 201)}} {
			_, err := d.s.AddAccount(t.Context(), owner, c[0], c[1])
			_ = d.kind(err, agent.KindInvalid)
		}
		a, err := d.s.AddAccount(t.Context(), owner, "xiaomi", " 1926 ")
		d.ok(err)
		again, err := d.s.AddAccount(t.Context(), owner, "xiaomi", "1926")
		d.ok(err)
		if a.ID != again.ID || !a.Declared || a.Identity != "1926" {
			t.Errorf("%+v, %+v", a, again)
		}
		err = d.s.Credential(t.Context(), owner, a.ID, "x")
		_ = d.kind(err, agent.KindNotFound)
	})
}

func TestDevices(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.start(departure.Delete).Departure.ID
		attest := func(dev departure.Device) (agent.DepartureInfo, error) {
			return d.s.AttestDevice(t.Context(), owner, id, dev)
		}
		for _, bad := range []departure.Device{{Name: "phone", State: "eaten"}, {Name: "phone", State: departure.DeviceReported}, {}, {Name: strings.Repeat("x", 201)}} {
			_, err := attest(bad)
			_ = d.kind(err, agent.KindInvalid)
		}
		_, err := attest(departure.Device{ID: "device-7", State: departure.DeviceSold})
		_ = d.kind(err, agent.KindNotFound)
		info, err := attest(departure.Device{Name: "phone"})
		d.ok(err)
		if len(info.Devices) != 1 || info.Devices[0].ID == "" {
			t.Fatalf("%+v", info.Devices)
		}
		info, err = attest(departure.Device{ID: info.Devices[0].ID, State: departure.DeviceSold})
		d.ok(err)
		if info.Devices[0] != (departure.Device{ID: "device-1", Name: "phone", State: departure.DeviceSold}) {
			t.Errorf("%+v", info.Devices)
		}
	})
}

func TestLists(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		var want []string
		for range 5 {
			id := d.start(departure.SignOut).Departure.ID
			_, err := d.s.Cancel(t.Context(), owner, id, false, "")
			d.ok(err)
			want = append(want, id)
		}
		slices.Reverse(want)
		var got []string
		for page := (agent.Page{Limit: 2}); ; {
			p, err := d.s.Departures(t.Context(), owner, page)
			d.ok(err)
			for _, info := range p.Departures {
				got = append(got, info.Departure.ID)
			}
			if p.Next == "" {
				break
			}
			page.After = p.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		for _, limit := range []int{-1, 1001} {
			_, err := d.s.Departures(t.Context(), owner, agent.Page{Limit: limit})
			_ = d.kind(err, agent.KindInvalid)
			_, err = d.s.Items(t.Context(), owner, want[0], engine.ItemFilter{Limit: limit})
			_ = d.kind(err, agent.KindInvalid)
		}
		_, err := d.s.Items(t.Context(), owner, "none", engine.ItemFilter{})
		_ = d.kind(err, agent.KindNotFound)
	})
}

func TestNeedsOwner(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.start(departure.Delete).Departure.ID
		if needs, err := d.s.NeedsOwner(t.Context(), id); err != nil || needs {
			t.Errorf("before anything: %v, %v", needs, err)
		}
		d.goOn(id)
		if needs, err := d.s.NeedsOwner(t.Context(), id); err != nil || !needs {
			t.Errorf("after the acts: %v, %v", needs, err)
		}
		if needs, err := d.s.NeedsOwner(t.Context(), "none"); err == nil || !needs {
			t.Errorf("of none: %v, %v", needs, err)
		}
	})
}

func TestDoctor(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		r, err := d.s.Doctor(t.Context())
		d.ok(err)
		if !r.Healthy || len(r.Parts) < 4 {
			t.Errorf("%+v", r)
		}
		d.w.Do(func() { d.w.Broken["Accounts"] = errors.New("the bus is gone") })
		if r, err = d.s.Doctor(t.Context()); err != nil || r.Healthy || !slices.ContainsFunc(r.Parts, func(e agent.DoctorEntry) bool { return !e.OK && e.Text == "the bus is gone" }) {
			t.Errorf("%+v, %v", r, err)
		}
		if d.s.Version() != "1.2.3" {
			t.Error(d.s.Version())
		}
		ps, err := d.s.Providers(t.Context())
		d.ok(err)
		if !slices.ContainsFunc(ps, func(p agent.ProviderInfo) bool { return p.ID == "xiaomi" && p.Known && len(p.Paths) == 2 }) {
			t.Errorf("%d providers", len(ps))
		}
	})
}
