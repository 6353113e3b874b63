package agent_test

import (
	"context"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

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
