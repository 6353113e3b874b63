package agent

import (
	"context"
	"sync"
	"time"

	"github.com/clearance-project/clearance/agent/engine"
)

// jobLife bounds a job: a first copy of a large account takes hours.
const jobLife = 24 * time.Hour

// jobs is long work that outlives the call that began it.
type jobs struct {
	tell   func(error) *Error // what a caller may know of an error
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	byID  map[string]*job
	order []string
}

type job struct {
	by    Caller
	look  string // what is looked at, set where whoever may read may begin it
	owner object // set where only the owner may begin it
	info  JobInfo
	stop  context.CancelFunc
	ended bool // its work returned; one that was cancelled may run on a little
}

// object is what an owner was asked for: a departure or a permit.
type object struct{ kind, id string }

func newJobs(tell func(error) *Error) *jobs {
	ctx, cancel := context.WithCancel(context.Background())
	return &jobs{tell: tell, ctx: ctx, cancel: cancel, byID: make(map[string]*job)}
}

// work is what a job does; what it leaves in the info is the job's result.
type work func(ctx context.Context, report engine.Report, into *JobInfo) error

// start runs work as a job that its caller may read.
func (js *jobs) start(by Caller, kind string, do work) (JobInfo, error) {
	return js.begin(&job{by: by, info: JobInfo{Kind: kind}}, do)
}

// startOwned is start for what only the owner may begin.
func (js *jobs) startOwned(by Caller, owner object, kind string, do work) (JobInfo, error) {
	return js.begin(&job{by: by, owner: owner, info: JobInfo{Kind: kind}}, do)
}

// startLook is start for what whoever may read may begin. Where one at the same
// thing runs for the caller already, that is given.
func (js *jobs) startLook(by Caller, at, kind string, do work) (JobInfo, error) {
	return js.begin(&job{by: by, look: at, info: JobInfo{Kind: kind}}, do)
}

func (js *jobs) begin(j *job, do work) (JobInfo, error) {
	js.mu.Lock()
	defer js.mu.Unlock()
	if js.closing() {
		return JobInfo{}, &Error{Kind: KindUnavailable, Text: "the agent is stopping"}
	}
	if same := js.sameLook(j); same != nil {
		return same.info, nil
	}
	if !js.room(j) {
		return JobInfo{}, &Error{Kind: KindBusy, Text: "too much is running already: wait until something of it ends"}
	}
	ctx, stop := context.WithTimeout(js.ctx, jobLife)
	j.info.ID, j.info.State, j.stop = engine.NewID(), JobRunning, stop
	js.byID[j.info.ID] = j
	js.order = append(js.order, j.info.ID)
	js.forget(j.by)
	info := j.info
	js.wg.Go(func() {
		defer stop()
		result := info
		report := func(p engine.Progress) {
			js.mu.Lock()
			j.info.Progress = p
			js.mu.Unlock()
		}
		err := do(ctx, report, &result)
		js.mu.Lock()
		defer js.mu.Unlock()
		result.Progress, result.State = j.info.Progress, JobDone
		if err != nil {
			result.State, result.Error = JobFailed, js.tell(err)
			if j.info.State == JobCancelled {
				result.State = JobCancelled
			}
		}
		j.info, j.ended = result, true
	})
	return info, nil
}

func (js *jobs) get(by Caller, id string) (JobInfo, error) {
	js.mu.Lock()
	defer js.mu.Unlock()
	j, ok := js.byID[id]
	if !ok || !by.Known || j.by != by {
		return JobInfo{}, &Error{Kind: KindNotFound, Text: "there is no such job; it may have ended long ago"}
	}
	return j.info, nil
}

func (js *jobs) stop(by Caller, id string) (JobInfo, error) {
	info, err := js.get(by, id)
	if err != nil {
		return info, err
	}
	js.mu.Lock()
	defer js.mu.Unlock()
	j := js.byID[id]
	if j.info.State == JobRunning {
		j.info.State = JobCancelled
		j.stop()
	}
	return j.info, nil
}

// closing reports whether the agent itself is ending, and not one job.
func (js *jobs) closing() bool { return js.ctx.Err() != nil }

func (js *jobs) close() {
	js.mu.Lock()
	js.cancel()
	js.mu.Unlock()
	js.wg.Wait()
}

// OwnerJob says what a job of the caller is about, where only the owner may have
// begun it: a permit is in its result.
func (s *Service) OwnerJob(by Caller, id string) (kind, about string, owner bool) {
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	j, ok := s.jobs.byID[id]
	if !ok || j.by != by {
		return "", "", false // it is not found either
	}
	return j.owner.kind, j.owner.id, j.owner != object{}
}

// Job is how far a job is.
func (s *Service) Job(_ context.Context, by Caller, id string) (JobInfo, error) {
	return s.jobs.get(by, id)
}

// CancelJob stops a job; what it did stays.
func (s *Service) CancelJob(_ context.Context, by Caller, id string) (JobInfo, error) {
	return s.jobs.stop(by, id)
}
