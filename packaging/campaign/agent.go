package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/client"
	"github.com/clearance-project/clearance/packaging/stage"
	"github.com/clearance-project/clearance/platform/session"
)

// patience is how long the agent may take over one run.
const patience = 2 * time.Minute

// injected are the system calls that strace makes fail, each on its own.
var injected = []string{"fsync", "fdatasync", "syncfs", "write", "renameat2", "openat", "fallocate"}

// inject lets system calls of the real agent fail while it copies a
// person's pictures for an account that they declared.
func inject(ctx context.Context, c *course) (err error) {
	s, err := newSubject(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, call := range injected {
		for _, errno := range []string{"EIO", "ENOSPC", "EROFS"} {
			for n := 1; ; n += s.step(n) {
				if c.cycles > 0 && c.result.Cycles+c.result.Clean >= c.cycles {
					return nil
				}
				fired, err := s.fault(ctx, c, call, errno, n)
				if err != nil {
					return err
				}
				if !fired {
					break
				}
			}
		}
	}
	return nil
}

// subject is a real agent, and a person who leaves an account with it.
type subject struct {
	stage *stage.Stage
	c     *client.Client
	home  *home
	id    string // of the departure
}

func newSubject(ctx context.Context, c *course) (s *subject, err error) {
	if err := os.Chmod(c.dir, 0o755); err != nil {
		return nil, err
	}
	o := stage.Options{Root: filepath.Join(c.dir, "stage"), Bin: c.bin, User: "alice", Password: "correct horse"}
	if err := os.Mkdir(o.Root, 0o755); err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 {
		if o.As, err = session.LookupCredential("nobody"); err != nil {
			return nil, err
		}
	}
	begun := &subject{}
	s = begun
	if s.stage, err = stage.Start(ctx, o); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, begun.close())
		}
	}()
	s.home, err = newHome(filepath.Join(c.dir, "Pictures"), filepath.Join(c.dir, "state"), filepath.Join(c.dir, "disk"))
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	return s, s.leave(ctx)
}

func (s *subject) close() error {
	if s.c != nil {
		s.c.Close()
	}
	return s.stage.Close()
}

// connect starts the agent.
func (s *subject) connect(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.stage.StartAgent(ctx); err != nil {
		return err
	}
	s.c, err = s.stage.Client()
	return err
}

// leave begins the departure whose copy is attacked.
func (s *subject) leave(ctx context.Context) error {
	a, err := s.c.AddAccount(ctx, "xiaomi", "1926000000")
	if err != nil {
		return err
	}
	if err := s.own(); err != nil {
		return err
	}
	if _, err := s.c.AddSource(ctx, a.ID, departure.Photos, s.home.Pictures); err != nil {
		return err
	}
	info, err := s.c.StartDeparture(ctx, agent.StartRequest{Account: a.ID, Intent: departure.Delete})
	if err != nil {
		return err
	}
	s.id = info.Departure.ID
	_, err = s.c.SetDestination(ctx, s.id, s.home.Disk)
	return err
}

// own gives what root made to the person of the session.
func (s *subject) own() error {
	if s.stage.As == nil {
		return nil
	}
	owner := fmt.Sprintf("%d:%d", s.stage.As.UID, s.stage.As.GID)
	if out, err := exec.Command("chown", "-R", owner, s.home.Pictures, s.home.Disk).CombinedOutput(); err != nil {
		return fmt.Errorf("chown: %w: %s", err, firstLine(out))
	}
	return nil
}

// fault makes a run in which the nth of a system call fails in each thread, and
// then one in which none does, which must complete the copy.
func (s *subject) fault(ctx context.Context, c *course, call, errno string, n int) (fired bool, err error) {
	if err := errors.Join(s.home.add(c.rng, 5, 1), s.own()); err != nil {
		return false, err
	}
	attack := fmt.Sprintf("%s fails with %s at %d", call, errno, n)
	t, err := s.attach(ctx, call, errno, n)
	if err != nil {
		return false, err
	}
	_, ferr := s.run(ctx)
	fired, err = t.detach()
	if err != nil {
		return false, err
	}
	if !fired {
		c.result.Clean++
		if ferr != nil {
			c.broke("clean", "a run without a fault: %v", ferr)
		}
		return false, nil
	}
	c.judge(call+" "+errno, attack, s.recovered(ctx))
	return true, nil
}

// recovered is an error unless the copy is sound, and the next run completes
// it; an agent that cannot go on by itself is started anew, as its service
// manager does.
func (s *subject) recovered(ctx context.Context) error {
	at, err := filepath.Glob(filepath.Join(s.home.Disk, "*", "bag-info.txt"))
	if err != nil || len(at) > 1 {
		return fmt.Errorf("%d copies: %v", len(at), err)
	}
	copied := &home{Disk: s.home.Disk}
	if len(at) == 1 {
		copied.folder = filepath.Base(filepath.Dir(at[0]))
		if err := copied.sha256sum(); err != nil {
			return fmt.Errorf("as it lay: %w", err)
		}
	}
	info, err := s.run(ctx)
	if err != nil {
		s.c.Close()
		if err := errors.Join(s.stage.StopAgent(), s.connect(ctx)); err != nil {
			return err
		}
		if info, err = s.run(ctx); err != nil {
			return fmt.Errorf("the next run: %w", err)
		}
	}
	for _, id := range []departure.CheckID{departure.BackupOf(departure.Photos), departure.BackupVerified} {
		c, ok := info.Verdict.Checks.Get(id)
		if !ok || c.Status != departure.Pass && c.Reason.Code != "not-said" {
			return fmt.Errorf("after the next run %s is %s: %s", id, c.Status, c.Reason.Text)
		}
	}
	if copied.folder == "" {
		return nil
	}
	return copied.sha256sum()
}

// run lets the agent copy and read back.
func (s *subject) run(ctx context.Context) (info agent.DepartureInfo, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	job, err := s.c.Run(ctx, s.id, departure.StepVerify)
	if err != nil {
		return info, err
	}
	job, err = s.c.Wait(ctx, job, func(engine.Progress) {})
	if err == nil && job.Departure != nil {
		info = *job.Departure
	}
	return info, err
}

// tracer is a strace that sits on the agent.
type tracer struct {
	cmd *exec.Cmd
	log string
}

// attach lets the nth of a system call fail, in each thread.
func (s *subject) attach(ctx context.Context, call, errno string, n int) (*tracer, error) {
	t := &tracer{log: filepath.Join(filepath.Dir(s.home.Disk), "strace.log")}
	pid := strconv.Itoa(s.stage.Agent())
	t.cmd = exec.CommandContext(ctx, "strace", "-f", "-o", t.log, "-y", "-e", "trace="+call,
		"-e", fmt.Sprintf("inject=%s:error=%s:when=%d", call, errno, n), "-p", pid)
	said, err := t.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := t.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start strace: %w", err)
	}
	buf := make([]byte, 4096)
	k, err := said.Read(buf) // "Process N attached": it says so once it holds every thread
	if err != nil || !strings.Contains(string(buf[:k]), "attached") {
		return nil, errors.Join(fmt.Errorf("strace does not attach: %s", firstLine(buf[:k])), t.cmd.Process.Kill(), t.cmd.Wait())
	}
	go func() {
		for err == nil {
			_, err = said.Read(buf) // until the pipe ends, which Wait closes
		}
	}()
	return t, nil
}

// detach lets the agent go, and reports whether a call failed.
func (t *tracer) detach() (fired bool, err error) {
	if err := t.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return false, err
	}
	_ = t.cmd.Wait() // strace dies of the signal that it was sent
	log, err := os.ReadFile(t.log)
	return strings.Contains(string(log), "(INJECTED)"), err
}

// step grows with n: the first calls of a run differ, the later ones repeat.
func (s *subject) step(n int) int { return 1 + n/8 }
