package main

import (
	"context"
	"fmt"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
)

// missing are the pictures, as they are, that the copy does not have.
func (h *home) missing() (map[version]bool, error) {
	wanted, err := h.versions()
	if err != nil {
		return nil, err
	}
	err = h.with(func(b *bag.Bag, _ *ledger.Ledger) error {
		has, err := held(b)
		for v := range has {
			delete(wanted, v)
		}
		return err
	})
	return wanted, err
}

// survived is an error unless the copy is sound after a process died in the
// middle of a run: before was missing then, and of that it said that it had
// made acknowledged items durable.
func (h *home) survived(ctx context.Context, before map[version]bool, acknowledged int) error {
	if err := h.sha256sum(); err != nil {
		return fmt.Errorf("as it lay: %w", err)
	}
	after, err := h.missing()
	if err != nil {
		return fmt.Errorf("it cannot be opened: %w", err)
	}
	if saved := len(before) - len(after); saved < acknowledged {
		return fmt.Errorf("%d acknowledged, and the copy has %d", acknowledged, saved)
	}
	for v := range after {
		if !before[v] {
			return fmt.Errorf("%s was in the copy and is not", v.id)
		}
	}
	if err := h.sha256sum(); err != nil {
		return fmt.Errorf("opened again: %w", err)
	}
	return h.with(func(b *bag.Bag, l *ledger.Ledger) error { return whole(ctx, b, l) })
}
