package agent

import (
	"context"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// The words of disks that come and go, declared where their port is.
type (
	// Disk is a disk that a person can plug in and out.
	Disk = engine.Disk
	// Ejected says how far a disk was taken away.
	Ejected = engine.Ejected
)

// Disks lists the disks that a copy could go to and be carried away on.
func (s *Service) Disks(ctx context.Context, _ Caller) ([]Disk, error) {
	if s.cfg.Disks == nil {
		return nil, noDisks()
	}
	list, err := s.cfg.Disks.List(ctx)
	if err != nil {
		return nil, s.told(err)
	}
	return list, nil
}

// Eject takes the disk of a departure's copy away safely, as a job: what waits
// to be written to it may take minutes.
func (s *Service) Eject(ctx context.Context, by Caller, id string) (JobInfo, error) {
	info, err := s.Departure(ctx, by, id)
	if err != nil {
		return JobInfo{}, err
	}
	d := info.Destination
	if info.State == engine.Open && info.Copy.Present && info.Copy.Shown != "" {
		d = engine.Destination{Folder: info.Copy.Shown} // recognised by the copy on it, wherever it is plugged in today
	}
	switch {
	case s.cfg.Disks == nil:
		return JobInfo{}, noDisks()
	case d.Folder == "":
		return JobInfo{}, &Error{Kind: KindInvalid, Text: "no place was chosen for your copy",
			Remedy: &departure.Remedy{Code: "destination", Text: "choose a disk", Command: departure.Command("destination", info.Departure.Account, "FOLDER")}}
	case info.State == engine.Open && info.Copy.BagID != "" && !info.Copy.Present:
		// Another disk may be where it was.
		return JobInfo{}, &Error{Kind: KindNotFound, Text: "the disk of your copy is not plugged in",
			Remedy: &departure.Remedy{Code: "destination", Text: "see which disks are", Command: "clearance destination"}}
	case info.Running:
		return JobInfo{}, &Error{Kind: KindBusy, Text: "your copy is being written or read just now: do not pull the disk out yet",
			Remedy: &departure.Remedy{Code: "status", Text: "wait until it has ended, then try again", Command: departure.Command("status", info.Departure.Account)}}
	}
	return s.jobs.start(by, "eject", func(ctx context.Context, _ engine.Report, into *JobInfo) error {
		done, err := s.cfg.Disks.Eject(ctx, d)
		if err != nil {
			return err
		}
		into.Ejected = &done
		return nil
	})
}

func noDisks() *Error {
	return &Error{Kind: KindUnavailable, Text: "this agent cannot ask which disks are plugged in"}
}
