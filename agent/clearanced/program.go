package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/kardianos/service"
	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/clearanced/commandline"
	"github.com/clearance-project/clearance/ipc/authz"
	"github.com/clearance-project/clearance/ipc/httpd"
	"github.com/clearance-project/clearance/platform/watchdog"
)

// growthPercent is by how much the heap grows before the collector comes by, in
// place of 100: the agent stays for months with some 2 MB alive, and what it
// made and dropped meanwhile lies in between.
const growthPercent = 50

// program is the service as kardianos/service runs it.
type program struct {
	line   commandline.Line
	cancel context.CancelFunc
	wg     sync.WaitGroup
	parts  *parts
}

// Start returns once it serves: only then is systemd told that the agent is ready.
func (p *program) Start(s service.Service) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	debug.SetGCPercent(growthPercent)
	// A core dump could hold a password.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("cannot forbid core dumps: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	where, err := placesOf(p.line)
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
		return fmt.Errorf("cannot start: %w", errors.Join(err, listener.Close()))
	}
	server, err := httpd.New(p.parts.service, authz.Personal{UID: uint32(os.Getuid())}, httpd.Options{Log: log})
	if err != nil {
		cancel()
		return fmt.Errorf("cannot serve: %w", errors.Join(err, listener.Close()))
	}
	p.wg.Go(func() {
		if err := server.Serve(ctx, listener); err != nil {
			log.Error("the socket failed", "error", err)
			_ = s.Stop() // the service manager starts it anew
		}
	})
	// The runtime would keep the heap's free pages for minutes.
	p.wg.Go(func() { p.parts.service.WhenQuiet(ctx, agent.Quiet, debug.FreeOSMemory) })
	p.wg.Go(func() { watchdog.Run(ctx, p.parts.store.Healthy, log) })
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		log.Warn("cannot tell systemd", "error", err)
	}
	log.Info("serving", "version", version, "personal", p.line.User)
	return nil
}

// Stop ends everything and waits for it. What was done stays done.
func (p *program) Stop(service.Service) error {
	p.cancel()
	p.wg.Wait()
	return p.parts.close()
}
