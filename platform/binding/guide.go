package binding

import (
	"context"
	"slices"
)

// Guide is Remove of a place where only the person removes anything: [ErrGuided]
// of an entry that is there, [ErrGone] of one that is not.
func Guide(ctx context.Context, p Place, id string) error {
	entries, err := p.Entries(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(entries, func(e Entry) bool { return e.ID == id }) {
		return ErrGone
	}
	return ErrGuided
}
