package clock

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// source reports jumps of the wall clock.
type source interface {
	// Wait returns nil after a jump, and an error once no more will be seen.
	Wait() error
	// Close ends a Wait in progress.
	Close() error
}

// Jumps sends one value for each jump of the wall clock: set by hand, stepped
// by a time service, or moved by a resume from sleep. Jumps that nobody has
// received yet are sent as one. The channel is closed when ctx ends or when
// jumps can no longer be seen. An error means that this kernel cannot tell.
func (c Real) Jumps(ctx context.Context) (<-chan struct{}, error) {
	open := c.open
	if open == nil {
		open = openTimer
	}
	src, err := open()
	if err != nil {
		return nil, fmt.Errorf("cannot watch for jumps of the clock: %w", err)
	}
	jumps := make(chan struct{}, 1)
	stop := context.AfterFunc(ctx, func() { _ = src.Close() })
	go func() {
		defer close(jumps)
		defer func() {
			if stop() {
				_ = src.Close()
			}
		}()
		for src.Wait() == nil {
			select {
			case jumps <- struct{}{}:
			default: // one notice is waiting already
			}
		}
	}()
	return jumps, nil
}

// timer is a timerfd on the wall clock that never expires; the kernel cancels
// it whenever the wall clock is set (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET).
type timer struct{ file *os.File }

func openTimer() (source, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("cannot create a timer: %w", err)
	}
	if err := arm(fd); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	// A non-blocking descriptor is served by the runtime's poller, so that
	// Close ends a read.
	return &timer{os.NewFile(uintptr(fd), "timerfd")}, nil
}

// arm sets the timer to the end of time.
func arm(fd int) error {
	spec := unix.ItimerSpec{Value: unix.Timespec{Sec: math.MaxInt64}}
	err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &spec, nil)
	if err != nil && !errors.Is(err, unix.ECANCELED) {
		return fmt.Errorf("cannot arm the timer: %w", err)
	}
	return nil
}

func (t *timer) Wait() error {
	var expirations [8]byte
	_, err := t.file.Read(expirations[:])
	if err != nil && !errors.Is(err, unix.ECANCELED) {
		return err
	}
	// Cancelled is the jump. Expired means that the clock was moved to the end
	// of time, which is one too.
	raw, err := t.file.SyscallConn()
	if err != nil {
		return err
	}
	var armed error
	if err := raw.Control(func(fd uintptr) { armed = arm(int(fd)) }); err != nil {
		return err
	}
	return armed
}

func (t *timer) Close() error { return t.file.Close() }
