package tasks

import (
	"context"
	"errors"
	"syscall"

	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/place"
)

// destination turns a trouble of the destination into a refusal that says what
// to do.
func destination(err error, job engine.Job) error {
	var trouble *bag.DestinationError
	var locked *bag.LockedError
	var away *awayError
	var twin *twinError
	var clone *cloneError
	remedy := departure.Remedy{Code: "destination", Text: "choose another folder or disk for your copy",
		Command: departure.Command("destination", job.Departure.Account, "FOLDER")}
	switch {
	case errors.As(err, &trouble):
		why := troubleReason(trouble, job.Destination)
		switch trouble.Trouble {
		case bag.Full:
			remedy.Text = "make room there, or choose another disk"
		case bag.Gone:
			remedy = plugIn(job)
		case bag.Broken:
			remedy.Text = "look whether the disk is plugged in, or choose another one"
		}
		return &engine.BlockedError{Why: why, Remedy: remedy}
	case errors.As(err, &locked):
		return &engine.BlockedError{Why: departure.Reason{Code: "locked", Text: locked.Error()},
			Remedy: departure.Remedy{Code: "wait", Text: "stop the other program that is writing your copy, then go on", Command: departure.Command("leave", job.Departure.Account)}}
	case errors.As(err, &away):
		return &engine.BlockedError{Why: placeReason(away), Remedy: plugIn(job)}
	case errors.As(err, &twin):
		return &engine.BlockedError{Why: placeReason(twin), Remedy: departure.Remedy{Code: "unplug", Text: "unplug one of the two disks, then go on", Command: departure.Command("leave", job.Departure.Account)}}
	case errors.As(err, &clone):
		return &engine.BlockedError{Why: placeReason(clone), Remedy: plugIn(job)}
	}
	return err
}

func plugIn(job engine.Job) departure.Remedy {
	return departure.Remedy{Code: "plug-in", Text: "plug " + diskName(job.Destination) + " in again: it goes on by itself", Command: departure.Command("leave", job.Departure.Account)}
}

// troubleReason says what ails a destination.
func troubleReason(t *bag.DestinationError, d engine.Destination) departure.Reason {
	why, name := departure.Reason{Code: string(t.Trouble)}, diskName(d)
	switch t.Trouble {
	case bag.Full:
		why.Text = name + " is full" + room(d) + "; what was copied stays and counts"
	case bag.ReadOnly:
		why.Text = name + " cannot be written to"
	case bag.Gone:
		why.Text = name + " went away; what was copied stays and counts"
	default:
		cause := t.Err
		var code syscall.Errno
		if errors.As(t.Err, &code) {
			cause = code
		}
		why.Text = name + " fails: " + cause.Error()
	}
	return why
}

// room says how much is free at a destination, where that can be told.
func room(d engine.Destination) string {
	p, err := place.Look(d.Folder)
	if err != nil || d.Folder == "" || p.Is(d.Disk) == place.Other {
		return ""
	}
	return ": " + humanize.Bytes(uint64(max(p.FreeBytes, 0))) + " are free on it"
}

// whilePlugged ends a run once the disk of the copy is no longer mounted where
// the run found it, or is pulled out: an open folder outlives its mount, and
// what is written there would hold up whoever unplugs it. The run gives its
// error to ended, which says whether the disk was there to the end.
func (w *Worker) whilePlugged(ctx context.Context, b *held, job engine.Job) (_ context.Context, ended func(error) error) {
	ctx, cancel := context.WithCancelCause(ctx)
	away := &awayError{"unplugged", diskName(job.Destination) + " was unplugged; what was copied stays and counts"}
	gone := func() bool {
		there, err := b.place.Mounted()
		return err == nil && (!there || b.place.Unplugged())
	}
	stop := w.mounts.Tell(func() {
		if gone() {
			cancel(away)
		}
	})
	return ctx, func(err error) error {
		stop()
		defer cancel(nil)
		if errors.Is(context.Cause(ctx), away) || (err == nil && gone()) {
			return away
		}
		return err
	}
}
