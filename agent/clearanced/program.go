package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/kardianos/service"
	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/ipc/authz"
	"github.com/clearance-project/clearance/ipc/httpd"
)

// program is the service as kardianos/service runs it.
type program struct {
	grammar *grammar
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	parts   *parts
}

// Start begins to serve and returns once it does: only then is systemd told
// that the agent is ready.
func (p *program) Start(s service.Service) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	// A core dump could hold a password.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("cannot forbid core dumps: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	where, err := placesOf(p.grammar)
	if err != nil {
		cancel()
		return err
	}
	listener, err := httpd.Listen(where.socket)
	if err != nil {
		cancel()
		return fmt.Errorf("cannot serve: %w", err)
	}
	if p.parts, err = assemble(ctx, where, log); err != nil {
		cancel()
		return fmt.Errorf("cannot start: %w", closing(err, listener))
	}
	server, err := httpd.New(p.parts.service, authz.Personal{UID: uint32(os.Getuid())}, httpd.Options{Log: log})
	if err != nil {
		cancel()
		return fmt.Errorf("cannot serve: %w", closing(err, listener))
	}
	p.wg.Go(func() {
		if err := server.Serve(ctx, listener); err != nil {
			log.Error("the socket failed", "error", err)
			_ = s.Stop() // the service manager starts it anew
		}
	})
	p.wg.Go(func() { p.alive(ctx, log) })
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		log.Warn("cannot tell systemd", "error", err)
	}
	log.Info("serving", "version", version, "personal", p.grammar.User)
	return nil
}

// Stop ends everything and waits for it. What was done stays done.
func (p *program) Stop(service.Service) error {
	p.cancel()
	p.wg.Wait()
	return p.parts.close()
}

// alive tells systemd's watchdog that the agent works, after the store answered
// and not merely by a clock.
func (p *program) alive(ctx context.Context, log *slog.Logger) {
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
		if err := p.parts.store.Healthy(ctx); err != nil {
			log.Error("the store does not answer", "error", err)
			continue
		}
		if _, err := daemon.SdNotify(false, daemon.SdNotifyWatchdog); err != nil {
			log.Warn("cannot tell systemd", "error", err)
		}
	}
}
