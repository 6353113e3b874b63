package agent

import (
	"context"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// NoWorker stands where nobody can look at the user's data: everything it is
// asked stays unknown, and so nothing is ever ready.
type NoWorker struct{}

var _ Worker = NoWorker{}

// Accounts answers engine.ErrNoWorker, as every method does.
func (NoWorker) Accounts(context.Context) ([]departure.Account, error) {
	return nil, engine.ErrNoWorker
}

// Look answers engine.ErrNoWorker.
func (NoWorker) Look(context.Context, engine.Job, engine.Report) (departure.Look, error) {
	return departure.Look{}, engine.ErrNoWorker
}

// Backup answers engine.ErrNoWorker.
func (NoWorker) Backup(context.Context, engine.Job, engine.Report) (engine.CopyResult, error) {
	return engine.CopyResult{}, engine.ErrNoWorker
}

// Verify answers engine.ErrNoWorker.
func (NoWorker) Verify(context.Context, engine.Job, time.Time, engine.Report) (engine.CopyResult, error) {
	return engine.CopyResult{}, engine.ErrNoWorker
}

// Keep answers engine.ErrNoWorker.
func (NoWorker) Keep(context.Context, engine.Job, engine.Report) (engine.CopyResult, error) {
	return engine.CopyResult{}, engine.ErrNoWorker
}

// Seal answers engine.ErrNoWorker.
func (NoWorker) Seal(context.Context, engine.Job, engine.Report) (engine.SealResult, error) {
	return engine.SealResult{}, engine.ErrNoWorker
}

// Sweep answers engine.ErrNoWorker.
func (NoWorker) Sweep(context.Context, engine.Job) ([]engine.Moved, error) {
	return nil, engine.ErrNoWorker
}

// Unbind answers engine.ErrNoWorker.
func (NoWorker) Unbind(context.Context, engine.Job, string) error { return engine.ErrNoWorker }

// Watch answers engine.ErrNoWorker.
func (NoWorker) Watch(context.Context, engine.Job, func(departure.SourceID)) error {
	return engine.ErrNoWorker
}

// Fence answers engine.ErrNoWorker.
func (NoWorker) Fence(context.Context, engine.Job, departure.Look) error { return engine.ErrNoWorker }

// InspectDestination answers engine.ErrNoWorker.
func (NoWorker) InspectDestination(context.Context, engine.Job, string) (departure.Copy, engine.Destination, error) {
	return departure.Copy{}, engine.Destination{}, engine.ErrNoWorker
}

// InspectSource answers engine.ErrNoWorker.
func (NoWorker) InspectSource(context.Context, departure.Dataset, string, []engine.GivenSource) (engine.GivenSource, error) {
	return engine.GivenSource{}, engine.ErrNoWorker
}

// Credential answers engine.ErrNoWorker.
func (NoWorker) Credential(context.Context, engine.Job, string) error { return engine.ErrNoWorker }

// Items answers engine.ErrNoWorker.
func (NoWorker) Items(context.Context, engine.Job, engine.ItemFilter) (engine.ItemPage, error) {
	return engine.ItemPage{}, engine.ErrNoWorker
}
