package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/gate"
)

func TestKinds(t *testing.T) {
	open := func(code string) departure.Checks {
		return departure.Checks{{ID: departure.AuthorizeGranted, Status: departure.Fail, Reason: departure.Reason{Code: code, Text: "why"}, Remedy: &departure.Remedy{Code: "do"}}}
	}
	blocked := func(code string) error {
		return &engine.BlockedError{Why: departure.Reason{Code: code, Text: "why"}, Remedy: departure.Remedy{Code: "do"}}
	}
	for name, c := range map[string]struct {
		err    error
		kind   Kind
		remedy bool
	}{
		"one of ours":       {&Error{Kind: KindPolicyInvalid, Text: "x"}, KindPolicyInvalid, false},
		"refused":           {&engine.RefusedError{Code: "stale", Text: "x"}, KindStale, false},
		"refused, not yet":  {&engine.RefusedError{Code: "not-ready", Text: "x"}, KindNotReady, false},
		"blocked":           {blocked("locked"), KindUnavailable, true},
		"unreachable":       {blocked("unreachable"), KindProviderUnreachable, true},
		"unauthorized":      {blocked("unauthorized"), KindProviderUnreachable, true},
		"not ready":         {&gate.NotReadyError{Why: "x", Checks: open("missing")}, KindNotReady, true},
		"not ready at all":  {&gate.NotReadyError{Why: "x"}, KindNotReady, false},
		"not authorised":    {&gate.NotReadyError{Why: "x", Checks: open("not-authorised")}, KindGrantRequired, true},
		"no grant":          {&gate.NotReadyError{Why: "x", Checks: open("grant-required")}, KindGrantRequired, true},
		"delay":             {&gate.NotReadyError{Why: "x", Checks: open("delay")}, KindDelayPending, true},
		"stale":             {&gate.StaleError{Why: "x"}, KindStale, true},
		"unknown permit":    {gate.ErrUnknownPermit, KindNotFound, false},
		"unknown departure": {engine.ErrNotFound, KindNotFound, false},
		"already open":      {engine.ErrAlreadyOpen, KindBusy, false},
		"busy":              {engine.ErrBusy, KindBusy, false},
		"conflict":          {engine.ErrConflict, KindBusy, false},
		"no worker":         {engine.ErrNoWorker, KindUnavailable, false},
		"too late":          {context.DeadlineExceeded, KindUnavailable, false},
		"stopped":           {context.Canceled, KindUnavailable, false},
	} {
		for _, err := range []error{c.err, fmt.Errorf("cannot do it: %w", c.err)} {
			got := asError(err)
			if got.Kind != c.kind || got.Text == "" || (got.Remedy != nil) != c.remedy {
				t.Errorf("%s: %+v, want the kind %s", name, got, c.kind)
			}
		}
	}
}

// What is not known goes to the log, without the paths in it, and the caller
// gets its name there.
func TestFaults(t *testing.T) {
	const home = "/home/alice/Mia and me/IMG_1.jpg"
	for name, c := range map[string]struct{ err error }{
		"of a file":      {&fs.PathError{Op: "open", Path: home, Err: fs.ErrPermission}},
		"around a file":  {fmt.Errorf("cannot list: %w", &fs.PathError{Op: "open", Path: home, Err: fs.ErrPermission})},
		"several":        {errors.Join(errors.New("x"), &fs.PathError{Op: "open", Path: home, Err: fs.ErrPermission})},
		"a path in text": {errors.New("cannot open /home/alice/IMG_1.jpg: permission denied")},
	} {
		t.Run(name, func(t *testing.T) {
			var ids, texts []string
			s := &Service{cfg: Config{Fault: func(id, text string) { ids, texts = append(ids, id), append(texts, text) }}}
			told := s.told(c.err)
			if told.Kind != KindInternal || len(ids) != 1 || !strings.HasSuffix(told.Text, ids[0]) || strings.Contains(told.Text, "denied") {
				t.Fatalf("told %+v; the log has %q %q", told, ids, texts)
			}
			if strings.Contains(texts[0], "alice") || strings.Contains(texts[0], "Mia") || !strings.Contains(texts[0], "permission denied") {
				t.Errorf("the log has %q", texts[0])
			}
		})
	}
	s := &Service{cfg: Config{Fault: func(string, string) { t.Error("a refusal is no fault") }}}
	if got := s.told(engine.ErrBusy); got.Kind != KindBusy {
		t.Errorf("%+v", got)
	}
}

func TestLive(t *testing.T) {
	w := world.New()
	s := &Service{cfg: Config{Clock: w.Clock()}}
	at := w.Time
	snap := func(change func(*engine.Snapshot)) engine.Snapshot {
		v := departure.Verdict{At: at, Until: at.Add(departure.VerdictLife)}
		s := engine.Snapshot{Record: &engine.Record{State: engine.Open}, Verdict: v}
		change(&s)
		return s
	}
	once := []engine.Reached{{Step: departure.StepPermit, At: at}}
	for name, c := range map[string]struct {
		change func(*engine.Snapshot)
		want   Live
	}{
		"not ready":                       {func(*engine.Snapshot) {}, LiveNotReady},
		"ready":                           {func(s *engine.Snapshot) { s.Verdict.Ready = true }, LiveReady},
		"ready, and something changed":    {func(s *engine.Snapshot) { s.Verdict.Ready, s.Stale = true, true }, LiveStop},
		"changed, and then nobody looks":  {func(s *engine.Snapshot) { s.Verdict.Ready, s.Stale, s.Err = true, true, errors.New("x") }, LiveStop},
		"changed, and then it is late":    {func(s *engine.Snapshot) { s.Verdict.Ready, s.Stale, s.Verdict.Until = true, true, at.Add(-1) }, LiveStop},
		"was ready once":                  {func(s *engine.Snapshot) { s.Record.Reached = once }, LiveStop},
		"was ready, and is looked at":     {func(s *engine.Snapshot) { s.Record.Reached, s.Stale = once, true }, LiveStop},
		"was ready, and was submitted":    {func(s *engine.Snapshot) { s.Record.Reached, s.Record.Submitted = once, at }, LiveNotReady},
		"ready, and the look is too old":  {func(s *engine.Snapshot) { s.Verdict.Ready, s.Verdict.Until = true, at.Add(-1) }, LiveBlind},
		"ready, and the last pass failed": {func(s *engine.Snapshot) { s.Verdict.Ready, s.Err = true, errors.New("x") }, LiveBlind},
		"never looked":                    {func(s *engine.Snapshot) { s.Verdict = departure.Verdict{} }, LiveChecking},
		"cannot look": {func(s *engine.Snapshot) {
			s.Verdict, s.Facts.Health.Why = departure.Verdict{}, departure.Reason{Code: "x", Text: "no worker"}
		}, LiveBlind},
		"not ready, and something changed": {func(s *engine.Snapshot) { s.Stale = true }, LiveChecking},
		"closed":                           {func(s *engine.Snapshot) { s.Record.State, s.Verdict.Ready = engine.Finished, true }, LiveClosed},
	} {
		if got := s.live(snap(c.change)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestJobs(t *testing.T) {
	alice, bob := Caller{UID: 1, Known: true}, Caller{UID: 2, Known: true}
	kind := func(err error) Kind {
		var told *Error
		if !errors.As(err, &told) {
			return ""
		}
		return told.Kind
	}
	wait := func(ctx context.Context, _ engine.Report, _ *JobInfo) error { <-ctx.Done(); return ctx.Err() }
	synctest.Test(t, func(t *testing.T) {
		js := newJobs(asError)
		defer js.close()
		job, err := js.start(alice, "run", func(ctx context.Context, report engine.Report, into *JobInfo) error {
			report(engine.Progress{Items: 7})
			<-ctx.Done()
			into.Plan = &PlanReport{}
			return ctx.Err()
		})
		if err != nil || job.State != JobRunning {
			t.Fatalf("%+v, %v", job, err)
		}
		synctest.Wait()
		if got, err := js.get(alice, job.ID); err != nil || got.Progress.Items != 7 {
			t.Errorf("%+v, %v", got, err)
		}
		for _, other := range []Caller{bob, {}, {UID: 1}} {
			if _, err := js.get(other, job.ID); kind(err) != KindNotFound {
				t.Errorf("%+v reads another's: %v", other, err)
			}
			if _, err := js.stop(other, job.ID); kind(err) != KindNotFound {
				t.Errorf("%+v stops another's: %v", other, err)
			}
		}
		if got, err := js.stop(alice, job.ID); err != nil || got.State != JobCancelled {
			t.Errorf("stopped: %+v, %v", got, err)
		}
		synctest.Wait()
		if got, _ := js.get(alice, job.ID); got.State != JobCancelled || got.Error == nil || got.Error.Kind != KindUnavailable {
			t.Errorf("after it ended: %+v", got)
		}
		if got, err := js.stop(alice, job.ID); err != nil || got.State != JobCancelled {
			t.Errorf("stopped twice: %+v, %v", got, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		js := newJobs(asError)
		held := make(chan struct{})
		stubborn := func(context.Context, engine.Report, *JobInfo) error { <-held; return nil }
		for range callersJobs {
			job, err := js.start(alice, "run", stubborn)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := js.stop(alice, job.ID); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := js.start(alice, "run", wait); kind(err) != KindBusy {
			t.Errorf("one more than may run: %v", err)
		}
		close(held)
		synctest.Wait()
		job, err := js.start(bob, "run", wait)
		if err != nil {
			t.Fatal(err)
		}
		js.close()
		if got, _ := js.get(bob, job.ID); got.State != JobFailed {
			t.Errorf("as the agent ended: %+v", got)
		}
		if _, err := js.start(bob, "run", wait); kind(err) != KindUnavailable {
			t.Errorf("after the agent ended: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		js := newJobs(asError)
		defer js.close()
		long, err := js.start(alice, "run", wait)
		if err != nil {
			t.Fatal(err)
		}
		for range keptJobs + 20 {
			if _, err := js.start(alice, "run", func(context.Context, engine.Report, *JobInfo) error { return nil }); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := len(js.byID); n != keptJobs || len(js.order) != keptJobs {
			t.Errorf("%d are kept", n)
		}
		if _, err := js.get(alice, long.ID); err != nil {
			t.Errorf("one that runs is forgotten: %v", err)
		}
		elapse(jobLife)
		synctest.Wait()
		if got, _ := js.get(alice, long.ID); got.State != JobFailed {
			t.Errorf("after a day: %+v", got)
		}
	})
}

// TestLooksTakeNoRoom: whoever may only read cannot keep the owner from anything,
// nor make what the owner did unreadable; nor can one person another.
func TestLooksTakeNoRoom(t *testing.T) {
	alice, bob := Caller{UID: 1, Known: true}, Caller{UID: 2, Known: true}
	wait := func(ctx context.Context, _ engine.Report, _ *JobInfo) error { <-ctx.Done(); return ctx.Err() }
	quick := func(context.Context, engine.Report, *JobInfo) error { return nil }
	synctest.Test(t, func(t *testing.T) {
		js := newJobs(asError)
		defer js.close()
		permit, err := js.startOwned(alice, object{"departure", "d"}, "permit", quick)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		first, err := js.startLook(alice, "account", "plan", wait)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := js.startLook(alice, "account", "plan", wait); err != nil || again.ID != first.ID {
			t.Errorf("the same look once more: %+v %v", again, err)
		}
		if other, err := js.startLook(bob, "account", "plan", wait); err != nil || other.ID == first.ID {
			t.Errorf("another's look: %+v %v", other, err)
		}
		began := 0
		for i := range 300 {
			if _, err := js.startLook(alice, fmt.Sprint(i), "plan", wait); err == nil {
				began++
			}
		}
		if began != callersLooks-1 {
			t.Errorf("%d looks run", began+1)
		}
		if _, err := js.start(alice, "run", wait); err != nil {
			t.Errorf("looks keep the owner from running: %v", err)
		}
		if _, err := js.stop(alice, first.ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for i := range 300 {
			if _, err := js.startLook(alice, fmt.Sprint("quick ", i), "plan", quick); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if _, err := js.get(alice, permit.ID); err != nil {
			t.Errorf("looks made the permit unreadable: %v", err)
		}
		if n := len(js.byID); n > keptLooks+4 {
			t.Errorf("%d are kept", n)
		}
		for range 300 {
			if _, err := js.start(bob, "run", quick); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if _, err := js.get(alice, permit.ID); err != nil {
			t.Errorf("another person made the permit unreadable: %v", err)
		}
		if n := len(js.byID); n > keptJobs {
			t.Errorf("%d are kept", n)
		}
	})
}

// elapse lets the time of the bubble that a test runs in pass.
// What a job of the owner is about is told to its caller alone; a job that
// anyone may begin is nobody's.
func TestOwnerJob(t *testing.T) {
	s := &Service{jobs: newJobs(asError)}
	defer s.jobs.close()
	work := func(context.Context, engine.Report, *JobInfo) error { return nil }
	me, other := Caller{UID: 1, Known: true}, Caller{UID: 2, Known: true}
	mine, err := s.jobs.startOwned(me, object{"departure", "d"}, "permit", work)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := s.jobs.start(me, "plan", work)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		by        Caller
		id        string
		kind, obj string
		owner     bool
	}{
		"mine":        {me, mine.ID, "departure", "d", true},
		"another's":   {other, mine.ID, "", "", false},
		"for anybody": {me, plan.ID, "", "", false},
		"none":        {me, "none", "", "", false},
	} {
		if kind, obj, owner := s.OwnerJob(c.by, c.id); kind != c.kind || obj != c.obj || owner != c.owner {
			t.Errorf("%s: %q %q %v", name, kind, obj, owner)
		}
	}
}

func elapse(d time.Duration) { <-time.After(d) }
