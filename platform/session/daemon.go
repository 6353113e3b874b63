package session

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/godbus/dbus/v5"
)

// daemonSpec says how a dbus-daemon is started.
type daemonSpec struct {
	config, dir, log string
	env              []string
	as               *Credential
}

// startDaemon starts a dbus-daemon and returns once it listens.
func startDaemon(ctx context.Context, spec daemonSpec) (*process, error) {
	program, err := find("dbus-daemon", "dbus-daemon")
	if err != nil {
		return nil, err
	}
	log, err := openLog(spec.log, spec.as)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	ready, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot start dbus-daemon: %w", err)
	}
	defer ready.Close()
	cmd := exec.Command(program, "--config-file="+spec.config, "--nofork", "--nopidfile", "--print-address=3")
	cmd.Env, cmd.Dir = spec.env, spec.dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{write}
	cmd.SysProcAttr = childAttributes(spec.as)
	p, err := spawn(cmd)
	if closeErr := write.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("cannot start dbus-daemon: %w", closeErr)
	}
	if err != nil {
		return nil, err
	}
	if err := awaitAddress(ctx, ready, p); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start dbus-daemon (its log is %s): %w", spec.log, err), p.kill())
	}
	return p, nil
}

// awaitAddress waits for the line that dbus-daemon prints once it listens.
func awaitAddress(ctx context.Context, ready *os.File, p *process) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(startWait)
	}
	if err := ready.SetReadDeadline(deadline); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		// Fails only where the pipe is closed already, and then nobody waits.
		_ = ready.SetReadDeadline(time.Unix(1, 0))
	})
	defer stop()
	if _, err := bufio.NewReader(ready).ReadString('\n'); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !p.running() {
			return errors.New("it ended before it listened")
		}
		return err
	}
	return nil
}

// startWait bounds each part of a start where the context does not.
const startWait = 20 * time.Second

func dial(ctx context.Context, address string) (*dbus.Conn, error) {
	// The connection outlives the dialling context on purpose.
	conn, err := dbus.Dial(address)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the private bus: %w", err)
	}
	done := make(chan error, 1)
	go func() {
		if err := conn.Auth(nil); err != nil {
			done <- err
			return
		}
		done <- conn.Hello()
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = errors.Join(ctx.Err(), conn.Close())
		if herr := <-done; herr != nil {
			err = errors.Join(err, herr)
		}
		return nil, fmt.Errorf("cannot connect to the private bus: %w", err)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot connect to the private bus: %w", err), conn.Close())
	}
	return conn, nil
}
