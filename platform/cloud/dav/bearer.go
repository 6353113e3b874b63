package dav

import (
	"context"
	"fmt"
	"sync"
)

// bearer is the token that requests carry. Tokens of OAuth 2 run out while a
// listing is under way: the first request that is refused gets another, and the
// others that were refused with the same one go on with it.
type bearer struct {
	renew func(context.Context) (Secret, error)
	turn  chan struct{} // capacity 1: whoever holds it renews

	mu      sync.Mutex
	token   Secret
	refused Secret // a token that is as good as it gets, and was refused
}

func newBearer(token Secret, renew func(context.Context) (Secret, error)) *bearer {
	return &bearer{renew: renew, token: token, turn: make(chan struct{}, 1)}
}

func (b *bearer) current() Secret {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.token
}

func (b *bearer) canRenew() bool { return b.renew != nil }

// refuse notes that the server does not take a token though there is no newer.
func (b *bearer) refuse(token Secret) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = token
}

func (b *bearer) set(token Secret) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.token = token
}

// renewAfter gets another token in place of one that was refused. An error is
// ErrUnauthorized, or the context's.
func (b *bearer) renewAfter(ctx context.Context, used Secret) error {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	b.mu.Lock()
	now, refused := b.token, b.refused
	b.mu.Unlock()
	switch {
	case now != used:
		return nil // renewed meanwhile
	case used == refused:
		return ErrUnauthorized
	}
	token, err := b.renew(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil && (token.Empty() || token == used) {
		b.refuse(used)
		return ErrUnauthorized
	}
	if err != nil {
		b.refuse(used)
		return fmt.Errorf("%w, and there is no new one: %w", ErrUnauthorized, err)
	}
	b.set(token)
	return nil
}

// SetBearer is the token to use from here on; where it is refused, another is
// asked for once more.
func (c *Client) SetBearer(token Secret) {
	c.bearer.mu.Lock()
	defer c.bearer.mu.Unlock()
	c.bearer.token, c.bearer.refused = token, Secret{}
}
