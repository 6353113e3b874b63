// Package watchdog tells systemd that a program works. It imports nothing of
// ours.
//
// Invariant: a sign of life is sent after the program was seen to work, never by
// a clock alone.
package watchdog

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Run sends a sign of life, three times in each of the unit's WatchdogSec, for
// as long as healthy answers without an error, until ctx ends. Where no
// watchdog waits it returns at once.
func Run(ctx context.Context, healthy func(context.Context) error, log *slog.Logger) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return
	}
	tick := time.NewTicker(every / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := healthy(ctx); err != nil {
			log.Error("no sign of life", "error", err)
			continue
		}
		if _, err := daemon.SdNotify(false, daemon.SdNotifyWatchdog); err != nil {
			log.Warn("cannot tell systemd", "error", err)
		}
	}
}
