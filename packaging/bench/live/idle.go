package live

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/clearance-project/clearance/ipc/client"
	"github.com/clearance-project/clearance/packaging/stage"
)

const (
	idleWindow   = 2 * time.Minute
	idleSample   = 250 * time.Millisecond
	idleDirs     = 10_000
	clockTicks   = 100 // USER_HZ, the unit of /proc/PID/stat, the same on every architecture of Go's
	restingTicks = 10 * time.Second
)

// idleFolders measures the agent doing nothing while it watches many folders.
var idleFolders = Measurement{
	Name: "daemon idle with 10,000 watched folders",
	Figures: []Figure{
		{"daemon idle with 10,000 watched folders, CPU", 0.1, "%"},
		{"daemon idle with 10,000 watched folders, wake-ups a minute", 1, "1/min"},
		{"daemon idle with 10,000 watched folders, resident", 30, "MB"},
	},
	Once: true,
	Run: func(ctx context.Context, b *Bench) (values []float64, err error) {
		err = b.with(ctx, content, func(s *stage.Stage, c *client.Client) error {
			dir := filepath.Join(s.Root, "photos")
			if err := b.dirs(dir); err != nil {
				return err
			}
			if _, err := declared(ctx, s, c, dir); err != nil {
				return err
			}
			c.Close()
			if err := pause(ctx, restingTicks); err != nil {
				return err
			}
			cpu, wakes, err := watchIdle(ctx, s.Agent())
			if err != nil {
				return err
			}
			rss, err := resident(s.Agent())
			values = []float64{100 * cpu.Seconds() / idleWindow.Seconds(), float64(wakes) / idleWindow.Minutes(), rss}
			return err
		})
		return values, err
	},
}

// watchIdle looks at a process for a while. A wake-up is a stretch of samples in
// which it ran, however many of its threads did: the runtime spreads what it does
// in one moment over several.
func watchIdle(ctx context.Context, pid int) (cpu time.Duration, wakes int, err error) {
	first, err := spent(pid)
	if err != nil {
		return 0, 0, err
	}
	last, ran := first, false
	for range idleWindow / idleSample {
		if err := pause(ctx, idleSample); err != nil {
			return 0, 0, err
		}
		now, err := spent(pid)
		if err != nil {
			return 0, 0, err
		}
		if now.switches != last.switches && !ran {
			wakes++
		}
		last, ran = now, now.switches != last.switches
	}
	return last.cpu - first.cpu, wakes, nil
}

// dirs makes the folders, with a photo in every hundredth.
func (b *Bench) dirs(root string) error {
	if err := b.folder(root); err != nil {
		return err
	}
	for i := range idleDirs / 100 {
		outer := filepath.Join(root, fmt.Sprint(i))
		if err := b.folder(outer); err != nil {
			return err
		}
		if err := b.photo(filepath.Join(outer, "one.jpg"), 4096); err != nil {
			return err
		}
		for j := range 99 {
			if err := b.folder(filepath.Join(outer, fmt.Sprint(j))); err != nil {
				return err
			}
		}
	}
	return nil
}

// pause lets time pass in which nobody asks the agent anything.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// spending is what a process used up since it began.
type spending struct {
	cpu      time.Duration
	switches int // times that one of its threads gave the CPU up
}

// spent reads it (proc_pid_stat(5), proc_pid_status(5)).
func spent(pid int) (s spending, err error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil {
		return s, err
	}
	for _, task := range tasks {
		status, err := os.ReadFile(task + "/status")
		if err != nil {
			return s, err
		}
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
				n, err := strconv.Atoi(strings.TrimSpace(rest))
				if err != nil {
					return s, err
				}
				s.switches += n
			}
		}
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, err
	}
	// The name stands in brackets and may hold anything; utime and stime are the
	// 14th and 15th field.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	for _, field := range fields[11:13] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			return s, err
		}
		s.cpu += time.Duration(ticks) * time.Second / clockTicks
	}
	return s, nil
}
