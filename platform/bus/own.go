package bus

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// ErrStranger means that another user's process has a name.
var ErrStranger = errors.New("the name belongs to another user's process")

// CallOwn is Call for a service of this user: who has the name is judged first,
// and that very process is called, whoever has the name meanwhile. Where it is
// another user's the error is ErrStranger.
func (c *Conn) CallOwn(ctx context.Context, m Method, args []any, out ...any) error {
	service := m.Service
	unique, err := c.ownProcess(ctx, service, !m.NoStart)
	if err != nil {
		return fmt.Errorf("cannot call %s of %s: %w", m.Name, service, err)
	}
	m.Service, m.NoStart = unique, true
	if err := c.Call(ctx, m, args, out...); err != nil {
		return fmt.Errorf("cannot ask %s: %w", service, err)
	}
	return nil
}

// ownProcess is the unique name behind a name, which is started where start is
// set and nobody has it.
func (c *Conn) ownProcess(ctx context.Context, service string, start bool) (string, error) {
	unique, ok, err := c.Owner(ctx, service)
	if err == nil && !ok && start {
		var code uint32 // 1 started, 2 was running: all the same
		if err = c.Call(ctx, busMethod("StartServiceByName"), []any{service, uint32(0)}, &code); err == nil {
			unique, ok, err = c.Owner(ctx, service)
		}
	}
	if err != nil {
		return "", err
	}
	if !ok && start {
		return "", ErrVanished // It was started a moment ago.
	}
	if !ok {
		return "", ErrNoService
	}
	uid, ok, err := c.OwnerUID(ctx, unique)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", ErrVanished
	case int64(uid) != int64(os.Geteuid()):
		return "", fmt.Errorf("%w (uid %d)", ErrStranger, uid)
	}
	return unique, nil
}
