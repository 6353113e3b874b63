package agent_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/policy"
)

// restorer notes what it is asked, and answers when it may.
type restorer struct {
	asked []engine.RestoreTask
	fail  error
	hold  chan struct{}
}

func (r *restorer) Restore(ctx context.Context, task engine.RestoreTask, report engine.Report) (engine.RestoreReport, error) {
	r.asked = append(r.asked, task)
	report(engine.Progress{Step: engine.StepRestore, Items: 3, Total: 4})
	if r.hold != nil {
		select {
		case <-r.hold:
		case <-ctx.Done():
			return engine.RestoreReport{}, ctx.Err()
		}
	}
	return engine.RestoreReport{Outcome: engine.RestorePartial, Copy: task.From}, r.fail
}

// restoring is a bubble with a service that can restore; a nil restorer cannot.
func restoring(t *testing.T, r agent.Restorer, test func(*testing.T, *agent.Service)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := world.New()
		s := agent.NewService(agent.Config{
			Version: "1.2.3", Store: w.Storage(), Worker: w.Worker(), Restorer: r, Tracker: w.Phone(), Clock: w.Clock(),
			Profiles: profiles(t), Rules: policy.Default(), Assured: departure.AssuredPersonal,
			Health: func() departure.Health { return departure.Health{Buses: true, Store: true, Clock: true} },
			Signer: plain{}, JWKS: func() ([]byte, error) { return []byte("{}"), nil }, Secret: []byte("secret"), BootID: "boot",
			Closed: func() string { return "" }, Doctor: func(context.Context) []agent.DoctorEntry { return nil },
			Fault: func(string, string) {},
		})
		if err := s.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		test(t, s)
	})
}

var toFolder = engine.RestoreTarget{Kind: engine.ToFolder, Path: "/home/me/back"}

func refusedAs(t *testing.T, err error, want agent.Kind) {
	t.Helper()
	var told *agent.Error
	if !errors.As(err, &told) || told.Kind != want || told.Text == "" {
		t.Errorf("%v, not %s", err, want)
	}
}

func TestRestoreIsAJobWithProgressAndAResult(t *testing.T) {
	r := &restorer{}
	restoring(t, r, func(t *testing.T, s *agent.Service) {
		r.hold = make(chan struct{}) // of the bubble
		job, err := s.Restore(t.Context(), owner, agent.RestoreRequest{From: "/disk/copy", To: toFolder})
		if err != nil || job.Kind != "restore" || job.State != agent.JobRunning {
			t.Fatalf("%+v %v", job, err)
		}
		synctest.Wait()
		if job, err = s.Job(t.Context(), owner, job.ID); err != nil || job.Progress.Items != 3 {
			t.Errorf("%+v %v", job, err)
		}
		if _, err := s.Job(t.Context(), agent.Caller{UID: 7, Known: true}, job.ID); err == nil {
			t.Error("another user reads the job")
		}
		close(r.hold)
		synctest.Wait()
		job, err = s.Job(t.Context(), owner, job.ID)
		if err != nil || job.State != agent.JobDone || job.Restore == nil || job.Restore.Outcome != engine.RestorePartial || job.Restore.Copy != "/disk/copy" {
			t.Errorf("%+v %v", job, err)
		}
	})
}

func TestARestoreCanBeStoppedAndItsRefusalsAreTold(t *testing.T) {
	r := &restorer{}
	restoring(t, r, func(t *testing.T, s *agent.Service) {
		r.hold = make(chan struct{}) // of the bubble
		job, err := s.Restore(t.Context(), owner, agent.RestoreRequest{From: "/disk/copy", To: toFolder})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = s.CancelJob(t.Context(), owner, job.ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if job, err = s.Job(t.Context(), owner, job.ID); err != nil || job.State != agent.JobCancelled || job.Restore != nil {
			t.Errorf("%+v %v", job, err)
		}
		close(r.hold)
		r.fail = &engine.RefusedError{Code: "busy", Text: "another restore is writing there"}
		if job, err = s.Restore(t.Context(), owner, agent.RestoreRequest{From: "/disk/copy", To: toFolder}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if job, err = s.Job(t.Context(), owner, job.ID); err != nil || job.State != agent.JobFailed || job.Error.Kind != agent.KindBusy {
			t.Errorf("%+v %v", job, err)
		}
	})
}

func TestWhatCannotBeRestoredIsRefusedBeforeItBegins(t *testing.T) {
	r := &restorer{}
	day := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	restoring(t, r, func(t *testing.T, s *agent.Service) {
		for name, req := range map[string]agent.RestoreRequest{
			"no target":              {From: "/disk/copy"},
			"an unknown target":      {From: "/disk/copy", To: engine.RestoreTarget{Kind: "moon"}},
			"a folder without path":  {From: "/disk/copy", To: engine.RestoreTarget{Kind: engine.ToFolder}},
			"a relative folder":      {From: "/disk/copy", To: engine.RestoreTarget{Kind: engine.ToFolder, Path: "back"}},
			"a relative copy":        {From: "copy", To: toFolder},
			"a server without URL":   {From: "/disk/copy", To: engine.RestoreTarget{Kind: engine.ToCardDAV}},
			"an unknown dataset":     {From: "/disk/copy", To: toFolder, Datasets: []departure.Dataset{"songs"}},
			"an end before it began": {From: "/disk/copy", To: toFolder, Since: day, Until: day},
			"all and of one time":    {From: "/disk/copy", To: toFolder, AllVersions: true, AsOf: day},
			"a dry drill":            {From: "/disk/copy", Drill: true, DryRun: true},
		} {
			_, err := s.Restore(t.Context(), owner, req)
			refusedAs(t, err, agent.KindInvalid)
			if t.Failed() {
				t.Fatal(name)
			}
		}
		_, err := s.Restore(t.Context(), owner, agent.RestoreRequest{To: toFolder})
		refusedAs(t, err, agent.KindNotFound)
		if len(r.asked) != 0 {
			t.Errorf("it was begun all the same: %+v", r.asked)
		}
		if _, err := s.Restore(t.Context(), owner, agent.RestoreRequest{From: "/disk/copy", Drill: true}); err != nil {
			t.Errorf("a drill needs no target: %v", err)
		}
		synctest.Wait()
	})
	restoring(t, nil, func(t *testing.T, s *agent.Service) {
		_, err := s.Restore(t.Context(), owner, agent.RestoreRequest{From: "/disk/copy", To: toFolder})
		refusedAs(t, err, agent.KindUnavailable)
	})
}
