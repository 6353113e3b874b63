package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/provider"
)

// written is a catalogue in which whoever runs the device wrote of the world's
// provider: change changes what the other tests know of it.
func written(t testing.TB, change func(map[string]any)) *provider.Catalogue {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal(cloudProfile(t), &p); err != nil {
		t.Fatal(err)
	}
	change(p)
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return overridden(t, provider.Override{Name: "cloud.json", Raw: raw})
}

func overridden(t testing.TB, overrides ...provider.Override) *provider.Catalogue {
	t.Helper()
	c, err := provider.LoadWith(overrides)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// restarted is the desk after the agent was started anew over another catalogue.
func (d *desk) restarted(known *provider.Catalogue) {
	d.t.Helper()
	d.s.Close()
	d.s = faulty(d.w, known, func(string, string) {})
	d.ok(d.s.Start(context.Background()))
}

func check(info agent.DepartureInfo, id departure.CheckID) departure.Check {
	c, _ := info.Verdict.Checks.Get(id)
	return c
}

// TestListThatGrowsMakesTheWordStale: a kind of data that the catalogue gains
// while an account is being left is asked for by name, before anything is ready.
func TestListThatGrowsMakesTheWordStale(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.leave(departure.Delete)
		if c := check(d.info(id), departure.UncoveredAcknowledged); c.Status != departure.Pass {
			t.Fatalf("before: %+v", c)
		}
		d.restarted(written(t, func(p map[string]any) {
			p["data"] = append(p["data"].([]any), map[string]any{"id": "faxes", "name": "Faxes", "dataset": "", "after": "Gone.", "where": "The fax page."})
		}))
		d.job(d.s.Run(t.Context(), owner, id, ""))
		info := d.info(id)
		c := check(info, departure.UncoveredAcknowledged)
		if info.Live == agent.LiveReady || info.Verdict.Release || c.Status != departure.Fail || c.Ask == nil ||
			!slices.ContainsFunc(c.Ask.Lines, func(l departure.Line) bool { return l.ID == "faxes" && strings.Contains(l.Text, "Faxes") }) {
			t.Fatalf("after: %s, %+v", info.Live, c)
		}
		if _, err := d.s.RequestPermit(t.Context(), owner, id, nonce, "rp"); err == nil {
			if job := d.job(d.s.RequestPermit(t.Context(), owner, id, nonce, "rp")); job.Permit != nil {
				t.Error("a permit was given over a list that nobody read")
			}
		}
		d.goOn(id)
		if info := d.info(id); info.Live != agent.LiveReady {
			t.Errorf("after it was read: %s", info.Live)
		}
	})
}

// TestBrokenFileOfTheAdministrator: nobody begins, what runs goes on with what
// was known, and asks for one thing more than before.
func TestBrokenFileOfTheAdministrator(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.start(departure.SignOut).Departure.ID
		known := provider.Override{Name: "cloud.json", Raw: cloudProfile(t)}
		d.restarted(overridden(t, known, provider.Override{Err: errors.New("providers.d can be written by others (mode 0777)")}))
		d.job(d.s.Run(t.Context(), owner, id, departure.StepInventory))
		c := check(d.info(id), departure.UncoveredAcknowledged)
		if c.Ask == nil || !slices.ContainsFunc(c.Ask.Lines, func(l departure.Line) bool { return strings.Contains(l.Text, "mode 0777") }) {
			t.Errorf("who is leaving already is not told: %+v", c)
		}
		if plan := d.job(d.s.Plan(t.Context(), owner, world.Me.ID)).Plan; !plan.Replaced || !strings.Contains(plan.Broken, "mode 0777") {
			t.Errorf("the plan says replaced %v, broken %q", plan.Replaced, plan.Broken)
		}
		if got := d.start(departure.SignOut).Departure.ID; got != id { // the same again is the same
			t.Errorf("it was begun anew: %s", got)
		}
		begin := func(intent departure.Intent) error {
			_, err := d.s.StartDeparture(t.Context(), owner, agent.StartRequest{Account: world.Me.ID, Intent: intent})
			return err
		}
		d.kind(begin(departure.Delete), agent.KindPolicyInvalid)
		_, err := d.s.Cancel(t.Context(), owner, id, false, "")
		d.ok(err)
		told := d.kind(begin(departure.SignOut), agent.KindPolicyInvalid)
		if told.Remedy == nil || !strings.Contains(told.Remedy.Command, "lint") || !strings.Contains(told.Text, "mode 0777") {
			t.Errorf("refused with %+v", told)
		}
		report, err := d.s.Doctor(t.Context())
		d.ok(err)
		if report.Healthy || !slices.ContainsFunc(report.Parts, func(e agent.DoctorEntry) bool { return e.Name == "catalogue" && !e.OK && e.Remedy != nil }) {
			t.Errorf("the doctor says %+v", report)
		}
		d.restarted(overridden(t, known))
		d.ok(begin(departure.SignOut))
	})
}

// A broken file never makes a check better: what it said may have been that the
// provider does run a tracker.
func TestBrokenFileRelievesNothing(t *testing.T) {
	d := departure.Departure{Account: departure.Account{Provider: "nextcloud"}, Intent: departure.Delete}
	sound := agent.Catalogue{Profiles: overridden(t)}.Profile(d)
	broken := agent.Catalogue{Profiles: overridden(t, provider.Override{Err: errors.New("no folder of root's")})}.Profile(d)
	if !sound.NoTracker || broken.NoTracker || len(broken.Uncovered) != len(sound.Uncovered)+1 {
		t.Errorf("sound %+v\nbroken %+v", sound, broken)
	}
}
