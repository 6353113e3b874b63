package client

import (
	"context"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/api"
)

// How a job is read again until it ended.
const (
	firstPause = 20 * time.Millisecond
	longPause  = 250 * time.Millisecond
	patience   = 15 * time.Second // with an agent that does not answer
)

// Wait reads a job until it ended and returns it. A job that failed is its
// error; one that was cancelled is an error of kind stale. A lost connection
// is tried again for a while. The job goes on when ctx ends first.
func (c *Client) Wait(ctx context.Context, job agent.JobInfo, progress func(engine.Progress)) (agent.JobInfo, error) {
	lastHeard := time.Now()
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		if progress != nil {
			progress(job.Progress)
		}
		if job.State != agent.JobRunning {
			return job, ended(job)
		}
		if err := sleep(ctx, pause); err != nil {
			return job, err
		}
		next, err := c.Job(ctx, job.ID)
		switch {
		case err == nil:
			job, lastHeard = next, time.Now()
		case ctx.Err() != nil:
			return job, ctx.Err()
		case api.Tell(err).Kind != agent.KindUnavailable || time.Since(lastHeard) > patience:
			return job, err
		}
	}
}

func ended(job agent.JobInfo) error {
	switch job.State {
	case agent.JobDone:
		return nil
	case agent.JobCancelled:
		return &agent.Error{Kind: agent.KindStale, Text: "this was stopped before it was done"}
	}
	if job.Error != nil {
		return job.Error
	}
	return &agent.Error{Kind: agent.KindInternal, Text: "the agent did not say why this failed"}
}

// sleep waits for d or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
