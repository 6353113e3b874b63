package dataset

import (
	"context"

	"github.com/clearance-project/clearance/platform/xdg"
)

// InHomes finds in each home of a person in turn: the session's own, and that of
// each Flatpak and Snap. It ends at the first error, with what was found by then.
func InHomes(ctx context.Context, dirs xdg.Dirs, find func(xdg.Home) ([]Store, error)) ([]Store, error) {
	homes, err := dirs.Homes()
	if err != nil {
		return nil, err
	}
	var stores []Store
	for _, h := range homes {
		found, err := find(h)
		stores = append(stores, found...)
		if err != nil {
			return stores, err
		}
	}
	return stores, ctx.Err()
}
