package agent_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
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
