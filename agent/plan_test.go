package agent_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/provider"
)

func kind(t *testing.T, plan *agent.PlanReport, id string) agent.PlanKind {
	t.Helper()
	i := slices.IndexFunc(plan.Kinds, func(k agent.PlanKind) bool { return k.ID == id })
	if i < 0 {
		t.Fatalf("no kind %q in %+v", id, plan.Kinds)
	}
	return plan.Kinds[i]
}

// TestPlanNamesEveryKind: every kind of the profile stands in a plan with what
// becomes of it and where it is found, and none that is not copied looks so.
func TestPlanNamesEveryKind(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		known := profiles(t).Lookup("cloud")
		plan := d.job(d.s.Plan(t.Context(), owner, world.Me.ID)).Plan
		if len(plan.Kinds) != len(known.Data) {
			t.Errorf("%d kinds, the profile has %d", len(plan.Kinds), len(known.Data))
		}
		for _, class := range known.Data {
			k := kind(t, plan, class.ID)
			if k.After == "" || k.Where == "" || k.Name != class.Name {
				t.Errorf("%+v", k)
			}
			want := agent.CoverListed
			if class.Dataset == provider.Uncovered {
				want = agent.CoverNone
			}
			if k.Cover != want || want == agent.CoverNone && k.Items != 0 || want == agent.CoverListed && (k.Items != 2 || k.OnlyCloud != 2 || k.Bytes != 20) {
				t.Errorf("%s: %+v, want %s", class.ID, k, want)
			}
		}
	})
}

// TestKindsThatAreCountedTogether: of tasks, whose numbers stand in those of the
// calendars, nothing says that all are there: a plan does not, and they are asked
// for by name.
func TestKindsThatAreCountedTogether(t *testing.T) {
	asked := map[string]string{"google": "tasks", "microsoft": "tasks", "apple": "reminders"}
	for id, k := range asked {
		profile := agent.Catalogue{Profiles: profiles(t)}.Profile(departure.Departure{Account: departure.Account{Provider: id}})
		if !slices.ContainsFunc(profile.Uncovered, func(l departure.Line) bool { return l.ID == k && strings.Contains(l.Text, "counted with") }) {
			t.Errorf("%s: %s are not asked for", id, k)
		}
	}
	bubble(t, func(t *testing.T, d *desk) {
		d.restarted(written(t, func(p map[string]any) {
			p["data"] = append(p["data"].([]any), map[string]any{"id": "jots", "name": "Jots", "dataset": "notes", "after": "Gone.", "where": "The jots page."})
		}))
		plan := d.job(d.s.Plan(t.Context(), owner, world.Me.ID)).Plan
		if k := kind(t, plan, "jots"); k.Cover != agent.CoverNotKnown || k.With != "notes" || k.Items != 0 || k.After != "Gone." {
			t.Errorf("%+v", k)
		}
		if k := kind(t, plan, "notes"); k.Cover != agent.CoverListed || k.With != "" {
			t.Errorf("%+v", k)
		}
	})
}

// TestPlanOfWhatIsNotKnown: what could not be listed, what a profile does not
// name, and a provider that nobody knows are never said to be listed.
func TestPlanOfWhatIsNotKnown(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.w.Do(func() {
			d.w.Kinds = []departure.SeenKind{{ID: "mail", Name: "Mail"}}
			d.w.ServerUp = false
		})
		plan := d.job(d.s.Plan(t.Context(), owner, world.Me.ID)).Plan
		if k := kind(t, plan, "notes"); k.Cover != agent.CoverNotKnown || k.Why == "" {
			t.Errorf("notes: %+v", k)
		}
		if k := kind(t, plan, "seen-mail"); k.Cover != agent.CoverNone || plan.Complete {
			t.Errorf("mail: %+v, complete %v", k, plan.Complete)
		}
		d.w.Do(func() { d.w.ServerUp = true })
		d.restarted(overridden(t)) // the world's provider has no profile now
		plan = d.job(d.s.Plan(t.Context(), owner, world.Me.ID)).Plan
		if k := kind(t, plan, "not-known"); k.Cover != agent.CoverNotKnown || len(plan.Uncovered) == 0 {
			t.Errorf("an unknown provider: %+v, %v", k, plan.Uncovered)
		}
		id := d.start(departure.SignOut).Departure.ID
		d.job(d.s.Run(t.Context(), owner, id, departure.StepInventory))
		if c := check(d.info(id), departure.UncoveredAcknowledged); c.Status.Holds() || c.Ask == nil {
			t.Errorf("an unknown provider is said to hold nothing more: %+v", c)
		}
	})
}

// TestWhatAppearsAtTheServerMakesTheWordStale: an app that the server gains while
// an account is being left is asked for by name; that it is not seen any more
// takes it off no list.
func TestWhatAppearsAtTheServerMakesTheWordStale(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.leave(departure.Delete)
		d.w.Do(func() {
			d.w.Kinds = []departure.SeenKind{{ID: "app-tables", Name: "Tables"}}
			d.w.Touch("")
		})
		d.job(d.s.Run(t.Context(), owner, id, ""))
		stale := func() bool {
			c := check(d.info(id), departure.UncoveredAcknowledged)
			return c.Status == departure.Fail && c.Ask != nil &&
				slices.ContainsFunc(c.Ask.Lines, func(l departure.Line) bool { return strings.Contains(l.Text, "Tables") })
		}
		if info := d.info(id); !stale() || info.Live == agent.LiveReady || info.Verdict.Ready {
			t.Fatalf("after Tables appeared: %s, %+v", info.Live, check(info, departure.UncoveredAcknowledged))
		}
		lost, _, err := d.s.AtOwnRiskList(t.Context(), owner, id)
		d.ok(err)
		if !slices.ContainsFunc(lost, func(l departure.Line) bool { return strings.Contains(l.Text, "Tables") }) {
			t.Error("what is lost at one's own risk does not name it")
		}
		d.w.Do(func() {
			d.w.Kinds = nil
			d.w.Touch("")
		})
		d.job(d.s.Run(t.Context(), owner, id, ""))
		if !stale() {
			t.Error("a server that is silent of it now made the old word good again")
		}
		d.restarted(profiles(t))
		d.job(d.s.Run(context.Background(), owner, id, ""))
		if !stale() {
			t.Error("a restart made the old word good again")
		}
		d.goOn(id)
		if info := d.info(id); info.Live != agent.LiveReady {
			t.Errorf("after it was read: %s", info.Live)
		}
	})
}
