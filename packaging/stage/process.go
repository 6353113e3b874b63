package stage

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// patience is how long a process may take to end after it was asked to.
const patience = 20 * time.Second

// process is a program that the stage started.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it ended
	err  error
}

// launch starts a program with its output appended to a file.
func launch(cmd *exec.Cmd, log string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start %s: %w", cmd.Path, err), out.Close())
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = errors.Join(cmd.Wait(), out.Close())
		close(p.done)
	}()
	return p, nil
}

// ended is an error once the program ended.
func (p *process) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended: %w", p.cmd.Path, errors.Join(errors.New("too early"), p.err))
	default:
		return nil
	}
}

// stop asks the program to end and waits for it.
func (p *process) stop() error { return p.signal(syscall.SIGTERM) }

// kill ends the program at once.
func (p *process) kill() error { return p.signal(syscall.SIGKILL) }

func (p *process) signal(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("%s did not end when it was told to", p.cmd.Path), p.cmd.Process.Kill())
	}
}
