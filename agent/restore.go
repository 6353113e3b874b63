package agent

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// The words of a restore, declared where its port is.
type (
	// Restorer brings a copy's items back.
	Restorer = engine.Restorer
	// RestoreRequest says what is restored, from where and to where.
	RestoreRequest = engine.RestoreRequest
	// RestoreReport says what a restore did, or would do.
	RestoreReport = engine.RestoreReport
)

// Restore restores items of a copy, as a job.
func (s *Service) Restore(ctx context.Context, by Caller, req RestoreRequest) (JobInfo, error) {
	if err := checkRestore(&req); err != nil {
		return JobInfo{}, err
	}
	if s.cfg.Restorer == nil {
		return JobInfo{}, &Error{Kind: KindUnavailable, Text: engine.ErrNoWorker.Error()}
	}
	task := engine.RestoreTask{RestoreRequest: req}
	var err error
	if task.Known, err = s.copies(ctx, req.Account); err != nil {
		return JobInfo{}, s.told(err)
	}
	if req.From == "" && len(task.Known) == 0 {
		return JobInfo{}, &Error{Kind: KindNotFound, Text: "the agent knows of no copy here: say where it is",
			Remedy: &departure.Remedy{Code: "from", Text: "name the folder of the copy", Command: "clearance restore --from FOLDER"}}
	}
	return s.jobs.start(by, "restore", func(ctx context.Context, report engine.Report, into *JobInfo) error {
		result, err := s.cfg.Restorer.Restore(ctx, task, report)
		if err != nil {
			return err
		}
		into.Restore = &result
		return nil
	})
}

// copies are those that departures made, each once, the newest first.
func (s *Service) copies(ctx context.Context, account string) (list []engine.KnownCopy, err error) {
	err = s.engine.Each(ctx, func(rec *engine.Record) error {
		d, a := rec.Destination, rec.Departure.Account
		if d.BagID == "" || account != "" && a.ID != account {
			return nil
		}
		if !slices.ContainsFunc(list, func(k engine.KnownCopy) bool { return k.Destination == d }) {
			list = append(list, engine.KnownCopy{Account: a, Destination: d})
		}
		return nil
	})
	return list, err
}

// maxRestoreText bounds a search text and a name, in bytes.
const maxRestoreText = 1000

func checkRestore(req *RestoreRequest) error {
	to := &req.To
	switch {
	case req.From != "" && !filepath.IsAbs(req.From):
		return invalid("give the whole path of the copy, from / on")
	case to.Path != "" && !filepath.IsAbs(to.Path):
		return invalid("give the whole path to restore to, from / on")
	case !req.Since.IsZero() && !req.Until.IsZero() && !req.Since.Before(req.Until):
		return invalid("the time that is asked for ends before it begins")
	case len(req.Search) > maxRestoreText:
		return invalid("the text that is searched for is too long")
	case req.AllVersions && !req.AsOf.IsZero():
		return invalid("ask either for all versions or for those of one time")
	case req.Drill && req.DryRun:
		return invalid("a drill restores for real, in a place of its own: leave the dry run out")
	}
	for _, d := range req.Datasets {
		if !d.Known() {
			return invalid(fmt.Sprintf("%q is none of photos, contacts, notes, calendars, files", d))
		}
	}
	if req.Drill {
		return nil
	}
	switch {
	case to.Kind != engine.ToFolder && to.Kind != engine.ToFile && to.Kind != engine.ToBooks && to.Kind != engine.ToCardDAV:
		return invalid("say where to restore to: a folder, a .vcf or .ics file, this device's books, or a server's address book")
	case (to.Kind == engine.ToFolder || to.Kind == engine.ToFile) && to.Path == "":
		return invalid("give the whole path to restore to, from / on")
	case to.Kind == engine.ToCardDAV && to.URL == "":
		return invalid("give the address of the server")
	}
	return nil
}
