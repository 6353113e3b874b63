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
	if !listed(entries, id) {
		return ErrGone
	}
	return ErrGuided
}

// StillListed is ReadBack of a place that has nothing of an entry but what it
// lists: what is left lies there.
func StillListed(ctx context.Context, p Place, id, where string) ([]Left, error) {
	entries, err := p.Entries(ctx)
	if err != nil || !listed(entries, id) {
		return nil, err
	}
	return []Left{{Where: where, Name: id}}, nil
}

func listed(entries []Entry, id string) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool { return e.ID == id })
}
