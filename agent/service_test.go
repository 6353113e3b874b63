package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
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
	c, err := provider.Load(fstest.MapFS{"cloud.json": &fstest.MapFile{Data: cloudProfile(t)}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// cloudProfile is the file of that provider.
func cloudProfile(t testing.TB) []byte {
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
	return raw
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
		defer func() { d.s.Close() }()
		test(t, d)
	})
}

func service(t testing.TB, w *world.World) *agent.Service {
	return faulty(w, profiles(t), func(string, string) {})
}

// faulty is a service that tells of its faults.
func faulty(w *world.World, known *provider.Catalogue, fault func(id, text string)) *agent.Service {
	return agent.NewService(agent.Config{
		Version: "1.2.3", Store: w.Storage(), Worker: w.Worker(), Tracker: w.Phone(), Clock: w.Clock(),
		Profiles: known, Rules: policy.Default(), Assured: departure.AssuredPersonal,
		Health: func() departure.Health { return departure.Health{Buses: true, Store: true, Clock: true} },
		Signer: plain{}, JWKS: func() ([]byte, error) { return []byte("{}"), nil }, Secret: []byte("secret"), BootID: "boot",
		Closed: func() string { return "" }, Doctor: func(context.Context) []agent.DoctorEntry { return nil },
		Fault: fault,
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
		list, err := d.s.Accounts(t.Context(), owner)
		d.ok(err)
		accounts := list.Accounts
		if list.More != "" || len(accounts) != 1 || accounts[0].ID != world.Me.ID || accounts[0].ProviderName != "Cloud" || accounts[0].Departure != "" {
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
		redeemed := d.job(d.s.Redeem(t.Context(), owner, first.Permit.ID, "a-nonce-of-its-own"))
		for job, about := range map[string]string{first.ID: "departure " + id, redeemed.ID: "permit " + first.Permit.ID} {
			if kind, of, owned := d.s.OwnerJob(owner, job); !owned || kind+" "+of != about {
				t.Errorf("a job about %s is the owner's %v, about %s %s", about, owned, kind, of)
			}
		}
		receipt := redeemed.Receipt
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
