package bindingtest

import (
	"context"
	"testing"

	"github.com/clearance-project/clearance/platform/binding"
)

// Rig is one device with one place on it, where nobody has signed in yet. Its
// functions fail the test themselves.
type Rig struct {
	Place binding.Place

	// SignIn signs one account in, as a person or their program does, and
	// returns once it is there. Signed in again it is the same account.
	SignIn func(ctx context.Context, t *testing.T)
	// Who is whose SignIn's entry is, exactly as listed.
	Who binding.Who
	// SameID: the place knows a sign-in by nothing that is new at each.
	SameID bool

	// Other signs another account in beside it, at another server.
	Other func(ctx context.Context, t *testing.T)
	// OtherWho is whose that entry is.
	OtherWho binding.Who

	// ByHand removes SignIn's entry as the person does it.
	ByHand func(ctx context.Context, t *testing.T)
	// LeaveBehind removes it so that something of it stays; nil where the place
	// has nothing that could.
	LeaveBehind func(ctx context.Context, t *testing.T)

	// Break makes the place one that is there and cannot be read.
	Break func(ctx context.Context, t *testing.T)
	// Flood puts more there than the adapter takes; nil where the place itself
	// cannot hold so much.
	Flood func(ctx context.Context, t *testing.T)
	// Block puts in the way what keeps an entry from being removed, and returns
	// how it is taken away; nil where nothing does.
	Block func(ctx context.Context, t *testing.T) (unblock func())

	// Secrets are what SignIn stores as passwords or tokens there.
	Secrets []string
}
