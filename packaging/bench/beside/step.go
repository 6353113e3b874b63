package beside

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// patience is how long one program may take.
const patience = 15 * time.Minute

// Cost is what a step took.
type Cost struct {
	Wall, User, System time.Duration
	PeakKB             int64 // of its largest process
}

// runner runs programs in a volume.
type runner struct {
	bin string   // where measure and engine are
	env []string // for all of them
	at  string   // folder for what is written about them
}

// command is one program of a step.
type command struct {
	dir  string // where it runs; may be empty
	args []string
	// check looks at what it printed, and gives the peak of its memory where it
	// says so itself.
	check func(stdout []byte) (peakKB int64, err error)
}

// run runs the commands of a step one after the other and adds up what they
// took.
func (r *runner) run(ctx context.Context, commands []command) (total Cost, err error) {
	for _, c := range commands {
		cost, err := r.one(ctx, c)
		if err != nil {
			return total, fmt.Errorf("%s: %w", strings.Join(c.args, " "), err)
		}
		total.Wall += cost.Wall
		total.User += cost.User
		total.System += cost.System
		total.PeakKB = max(total.PeakKB, cost.PeakKB)
	}
	return total, nil
}

func (r *runner) one(ctx context.Context, c command) (cost Cost, err error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	note := filepath.Join(r.at, "cost.json")
	cmd := exec.CommandContext(ctx, filepath.Join(r.bin, "measure"), append([]string{note}, c.args...)...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), r.env...)
	// A group of its own, so that all of it ends with us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	said := tail{most: 4 << 10}
	cmd.Stdout, cmd.Stderr = &out, &said
	if c.check == nil {
		cmd.Stdout = &said
	}
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return cost, ctx.Err()
		}
		return cost, fmt.Errorf("%w: %s", err, bytes.TrimSpace(said.last))
	}
	text, err := os.ReadFile(note)
	if err == nil {
		err = errors.Join(json.Unmarshal(text, &cost), os.Remove(note))
	}
	if err != nil || c.check == nil {
		return cost, err
	}
	peak, err := c.check(out.Bytes())
	if peak > 0 {
		cost.PeakKB = peak
	}
	return cost, err
}

// tail keeps the end of what a program says.
type tail struct {
	last []byte
	most int
}

func (t *tail) Write(p []byte) (int, error) {
	t.last = append(t.last, p...)
	if len(t.last) > t.most {
		t.last = append(t.last[:0], t.last[len(t.last)-t.most:]...)
	}
	return len(p), nil
}
