package agent_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

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

// What went wrong within the agent is no caller's business: neither of a call,
// nor of a job.
func TestFaultsAreNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var faults []string
		w := world.New()
		w.Live = true
		d := &desk{t: t, w: w, s: faulty(w, profiles(t), func(id, text string) { faults = append(faults, id+" "+text) })}
		d.ok(d.s.Start(context.Background()))
		defer d.s.Close()
		w.Do(func() { w.Broken["Save"], w.Broken["Look"] = errors.New("disk of alice"), errors.New("list of alice") })
		_, err := d.s.StartDeparture(t.Context(), owner, agent.StartRequest{Account: world.Me.ID, Intent: departure.Delete})
		told := d.kind(err, agent.KindInternal)
		job := d.job(d.s.Plan(t.Context(), owner, world.Me.ID))
		if job.Error == nil || job.Error.Kind != agent.KindInternal || len(faults) != 2 {
			t.Fatalf("job %+v, faults %q", job, faults)
		}
		for i, e := range []agent.Error{told, *job.Error} {
			id, _, _ := strings.Cut(faults[i], " ")
			if strings.Contains(e.Text, "alice") || !strings.Contains(e.Text, id) {
				t.Errorf("told %q, the log has %q", e.Text, faults[i])
			}
		}
	})
}

// While a place on this device cannot be read, what is signed in here is known and
// can be used; it is said that there may be more, and nothing is taken for an
// account that is not on this device.
func TestSomeAccountsCannotBeListed(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		named, err := d.s.AddAccount(t.Context(), owner, "cloud", "bob")
		d.ok(err)
		d.w.Do(func() { d.w.Unseen = "a folder does not answer" })
		list, err := d.s.Accounts(t.Context(), owner)
		d.ok(err)
		if len(list.Accounts) != 2 || list.Accounts[0].ID != world.Me.ID || list.More != "a folder does not answer" {
			t.Fatalf("%+v", list)
		}
		if plan := d.job(d.s.Plan(t.Context(), owner, world.Me.ID)).Plan; plan.Complete || plan.Unseen != "a folder does not answer" {
			t.Errorf("the plan of the one that is here: %v, %q", plan.Complete, plan.Unseen)
		}
		_, err = d.s.Plan(t.Context(), owner, named.ID)
		d.kind(err, agent.KindUnavailable)
		_, err = d.s.AddAccount(t.Context(), owner, "cloud", "carol")
		d.kind(err, agent.KindUnavailable)
		if again, err := d.s.AddAccount(t.Context(), owner, "cloud", "bob"); err != nil || again.ID != named.ID {
			t.Errorf("named once more: %v", err)
		}
		d.w.Do(func() { d.w.Unseen = "" })
		if list, err = d.s.Accounts(t.Context(), owner); err != nil || list.More != "" {
			t.Errorf("once it answers: %+v, %v", list, err)
		}
		_, err = d.s.Plan(t.Context(), owner, named.ID)
		d.ok(err)
	})
}

// The same accounts are listed in the same order each time: those here first,
// then the newest that was left.
func TestAccountsKeepTheirOrder(t *testing.T) {
	w := world.New()
	want := []string{world.Me.ID}
	var left []string
	for i := range 8 {
		a := departure.Account{ID: fmt.Sprintf("left-%d", i), Provider: "cloud", Identity: fmt.Sprintf("left-%d@cloud", i)}
		rec := w.Record(departure.SignOut, a)
		if i%2 == 0 {
			rec.State = engine.Finished
		}
		if err := w.Store.Create(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		left = append(left, a.ID)
	}
	slices.Reverse(left)
	want = append(want, left...)
	s := service(t, w)
	defer s.Close()
	for range 10 {
		list, err := s.Accounts(t.Context(), owner)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range list.Accounts {
			got = append(got, a.ID)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}
