package apitest

import (
	"context"
	"path/filepath"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// Backup implements engine.Worker.
func (w *World) Backup(ctx context.Context, job engine.Job, report engine.Report) (engine.CopyResult, error) {
	total := int64(0)
	w.mu.Lock()
	seen := w.seen(job)
	w.mu.Unlock()
	for _, h := range seen {
		total += h.items
	}
	report(engine.Progress{Step: departure.StepBackup, Dataset: departure.Photos, Items: 1, Total: total, Bytes: itemBytes, TotalBytes: total * itemBytes})
	if err := w.wait(ctx, departure.StepBackup); err != nil {
		return engine.CopyResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	done := int64(0)
	for _, h := range seen {
		w.unread += h.items - w.copied[h.source.ID]
		w.copied[h.source.ID] = h.items
		done += h.items
		report(engine.Progress{Step: departure.StepBackup, Dataset: h.source.Dataset, Source: h.source.Name,
			Items: done, Total: total, Bytes: done * itemBytes, TotalBytes: total * itemBytes})
	}
	w.born = true
	return engine.CopyResult{Ledger: w.ledger(), BagID: "bag-1", Disk: "usb", Done: done, Failed: w.fail, Bytes: done * itemBytes}, nil
}

// Verify implements engine.Worker.
func (w *World) Verify(ctx context.Context, _ engine.Job, _ time.Time, report engine.Report) (engine.CopyResult, error) {
	if err := w.wait(ctx, departure.StepVerify); err != nil {
		return engine.CopyResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	done := w.unread
	report(engine.Progress{Step: departure.StepVerify, Items: done, Total: done})
	w.unread, w.readAt = 0, time.Now()
	return engine.CopyResult{Ledger: w.ledger(), BagID: "bag-1", Disk: "usb", Done: done}, nil
}

// Keep implements engine.Worker.
func (w *World) Keep(ctx context.Context, _ engine.Job, report engine.Report) (engine.CopyResult, error) {
	if err := w.wait(ctx, departure.StepKeep); err != nil {
		return engine.CopyResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = true
	report(engine.Progress{Step: departure.StepKeep, Items: 3, Total: 3})
	return engine.CopyResult{Ledger: w.ledger(), BagID: "bag-1", Disk: "usb", Done: 3}, nil
}

// Seal implements engine.Worker.
func (w *World) Seal(ctx context.Context, job engine.Job, report engine.Report) (engine.SealResult, error) {
	at := time.Now()
	if err := w.wait(ctx, departure.StepSeal); err != nil {
		return engine.SealResult{}, err
	}
	look, err := w.Look(ctx, job, report)
	if err != nil {
		return engine.SealResult{}, err
	}
	result := engine.SealResult{At: at, End: time.Now()}
	for _, l := range look.Listings {
		result.Rows = append(result.Rows, departure.SealRow{Source: l.Source, Keys: l.Keys, Items: l.Items, End: result.End, Intact: true})
	}
	report(engine.Progress{Step: departure.StepSeal, Items: int64(len(result.Rows)), Total: int64(len(result.Rows))})
	return result, nil
}

// Sweep implements engine.Worker.
func (w *World) Sweep(ctx context.Context, _ engine.Job) ([]engine.Moved, error) {
	return nil, ctx.Err()
}

// Unbind implements engine.Worker.
func (w *World) Unbind(ctx context.Context, _ engine.Job, _ string) error {
	if err := w.wait(ctx, departure.StepUnbind); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bound = false
	return nil
}

// Watch implements engine.Worker.
func (w *World) Watch(ctx context.Context, _ engine.Job, changed func(departure.SourceID)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.nextID
	w.nextID++
	w.watchers[id] = changed
	context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.watchers, id)
	})
	return nil
}

// Fence implements engine.Worker: changes are told as they happen.
func (w *World) Fence(ctx context.Context, _ engine.Job, _ departure.Look) error { return ctx.Err() }

// InspectDestination implements engine.Worker.
func (w *World) InspectDestination(_ context.Context, _ engine.Job, folder string) (departure.Copy, engine.Destination, error) {
	return place(folder), engine.Destination{Folder: folder, Disk: place(folder).Disk}, nil
}

// InspectSource implements engine.Worker.
func (w *World) InspectSource(_ context.Context, dataset departure.Dataset, path string, _ []engine.GivenSource) (engine.GivenSource, error) {
	id := departure.SourceID("given:" + string(dataset) + ":" + filepath.Base(path))
	return engine.GivenSource{ID: id, Dataset: dataset, Path: path}, nil
}

// Credential implements engine.Worker.
func (w *World) Credential(_ context.Context, _ engine.Job, password string) error {
	if password != Password {
		return &engine.BlockedError{Why: departure.Reason{Code: "unauthorized", Text: "the server did not accept that password"},
			Remedy: departure.Remedy{Code: "password", Text: "enter the account's password once more"}}
	}
	return nil
}

// Items implements engine.Worker.
func (w *World) Items(_ context.Context, _ engine.Job, filter engine.ItemFilter) (engine.ItemPage, error) {
	if filter.Failed {
		return engine.ItemPage{Items: []engine.Item{{Dataset: departure.Notes, Source: "Notes in the cloud", Name: "Recipes",
			Why: "its image could not be read back"}}}, nil
	}
	if filter.Cursor == "" {
		return engine.ItemPage{Next: "2", Items: []engine.Item{{Dataset: departure.Photos, Name: "sea.jpg", Path: "photos/sea.jpg", Size: itemBytes}}}, nil
	}
	return engine.ItemPage{Items: []engine.Item{{Dataset: departure.Photos, Name: "hill.jpg", Path: "photos/hill.jpg", Size: itemBytes}}}, nil
}

// tracker is Find My Device in a world.
type tracker struct{ world *World }

func (t tracker) State(_ context.Context, account departure.Account, _ []string) (departure.Trackers, error) {
	t.world.mu.Lock()
	defer t.world.mu.Unlock()
	if account.Declared {
		return departure.Trackers{Complete: true}, nil
	}
	return departure.Trackers{Complete: true, Seen: []departure.Tracker{{Name: implementer, State: t.world.findMy}}}, nil
}

func (t tracker) Disable(_ context.Context, _ string, _ departure.Account, proof string) error {
	return t.set(proof, departure.TrackerOff)
}

func (t tracker) Enable(_ context.Context, _ string, _ departure.Account, proof string) error {
	return t.set(proof, departure.TrackerOn)
}

func (t tracker) set(proof string, state departure.TrackerState) error {
	t.world.mu.Lock()
	defer t.world.mu.Unlock()
	if proof != Password {
		return engine.ErrProofRefused
	}
	t.world.findMy = state
	return nil
}

func (t tracker) Watch(context.Context, func()) error { return nil }
func (t tracker) Fence(context.Context) error         { return nil }
