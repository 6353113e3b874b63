package apitest

import (
	"context"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

var _ engine.Restorer = (*World)(nil)

// Restore implements engine.Restorer: twelve photos and three contacts, of which
// a search finds one photo, only the copy vouches for one, a second time adds nothing, and photos that could
// not be copied are damaged.
func (w *World) Restore(ctx context.Context, task engine.RestoreTask, report engine.Report) (engine.RestoreReport, error) {
	if err := w.wait(ctx, engine.StepRestore); err != nil {
		return engine.RestoreReport{}, err
	}
	if task.To.Kind == engine.ToCardDAV && task.To.Password != Password {
		return engine.RestoreReport{}, &engine.BlockedError{Why: departure.Reason{Code: "unauthorized", Text: "the server did not accept that password"},
			Remedy: departure.Remedy{Code: "password", Text: "give it once more", Command: "clearance restore"}}
	}
	target := string(task.To.Kind) + " " + task.To.Path + task.To.URL
	w.mu.Lock()
	defer w.mu.Unlock()
	photos := engine.RestoreTally{Dataset: departure.Photos, Selected: 12, Bytes: 12 * itemBytes, Written: 12 - w.fail, Failed: w.fail, Beside: 1}
	contacts := engine.RestoreTally{Dataset: departure.Contacts, Selected: 3, Bytes: 3 * itemBytes, Written: 3}
	if task.Search != "" {
		photos, contacts = engine.RestoreTally{Dataset: departure.Photos, Selected: 1, Bytes: itemBytes, Written: 1}, engine.RestoreTally{Dataset: departure.Contacts}
	}
	if task.To.Kind == engine.ToBooks {
		photos = engine.RestoreTally{Dataset: departure.Photos, LeftOut: 12}
	}
	if w.restored[target] {
		photos.Written, photos.Already, contacts.Written, contacts.Already = 0, photos.Written, 0, contacts.Written
	}
	out := engine.RestoreReport{
		Outcome: engine.RestoreComplete, DryRun: task.DryRun, Copy: task.From, BagID: "bag-1", Target: target, Proof: "manifest",
		Sets: []engine.RestoreTally{photos, contacts}, Bytes: (photos.Written + contacts.Written) * itemBytes,
	}
	if task.From == "" { // one that the agent made, in which somebody put a photo
		out.Proof, out.Sets[0].Unproven = "ledger", 1
	}
	if photos.Written > 0 {
		out.Items = []engine.RestoreItem{{Dataset: departure.Photos, Name: "sea.jpg", Where: "photos/server/sea.jpg", Size: itemBytes, Beside: photos.Beside > 0, Unproven: true}}
	}
	if photos.Failed > 0 {
		out.Outcome = engine.RestorePartial
		out.Failed = []engine.RestoreItem{{Dataset: departure.Photos, Name: "hill.jpg", Why: "it is damaged in the copy, so it was not restored"}}
	}
	if task.Drill {
		part := engine.DrillPart{Target: "files in a folder", Items: 15, Bytes: 15 * itemBytes, Compared: 15 - w.fail, Failed: w.fail}
		out.Drill = &engine.RestoreDrill{Equal: w.fail == 0, Parts: []engine.DrillPart{part}}
	} else if !task.DryRun {
		w.restored[target] = true
	}
	report(engine.Progress{Step: engine.StepRestore, Items: 15, Total: 15})
	return out, ctx.Err()
}
