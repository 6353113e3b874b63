package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/disk/fault"
	"github.com/clearance-project/clearance/backup/ledger"
)

// childEnv makes this program a copying process that is going to die.
const childEnv = "CLEARANCE_CAMPAIGN_CHILD"

// order tells a copying process what to copy, and when the power goes.
type order struct {
	Home  home
	CutAt int64 // the call that changes something before which the power goes; 0: never
}

// child is the whole of a copying process; false if this is none. It prints
// "acknowledged N" whenever N items of this run are durable, and at its end how
// many calls changed something.
func child() bool {
	text := os.Getenv(childEnv)
	if text == "" {
		return false
	}
	var o order
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = o.carryOut()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

func (o *order) carryOut() error {
	var calls atomic.Int64
	o.Home.wrap = func(r disk.Root) disk.Root {
		return fault.Wrap(r, func(fault.Op, string) error {
			if calls.Add(1) == o.CutAt {
				if err := powerCut(o.Home.Disk); err != nil {
					panic(err)
				}
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
			return nil
		})
	}
	err := o.Home.with(func(b *bag.Bag, l *ledger.Ledger) error {
		_, err := o.Home.copy(context.Background(), b, l, func(p copy.Progress) { fmt.Println("acknowledged", p.Copied) })
		return err
	})
	fmt.Println("calls", calls.Load())
	return err
}

// powerCut ends the file system that dir lies on, as it is on its disk: what was
// not made durable is gone. It is FS_IOC_GOINGDOWN of ext4 (fs/ext4/ioctl.c),
// with EXT4_GOING_FLAGS_NOLOGFLUSH.
func powerCut(dir string) error {
	const goingDown, noLogFlush = 0x8004587d, 2
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.IoctlSetPointerInt(int(d.Fd()), goingDown, noLogFlush)
}

// death is how a copying process ended.
type death struct {
	acknowledged int   // the last that it said
	calls        int64 // all that it made, if it came to its end
	killed       bool
	took         time.Duration
}

// run makes a copying process and waits for its end, which a kill brings about
// after a while if after is not 0.
func (o *order) run(ctx context.Context, after time.Duration) (d death, err error) {
	text, err := json.Marshal(o)
	if err != nil {
		return d, err
	}
	exe, err := os.Executable()
	if err != nil {
		return d, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return d, err
	}
	if after > 0 {
		defer time.AfterFunc(after, func() { _ = cmd.Process.Kill() }).Stop()
	}
	err = cmd.Wait()
	d.took = time.Since(began)
	d.read(out.String())
	if state, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && state.Signal() == syscall.SIGKILL && ctx.Err() == nil {
		d.killed = true
		return d, nil
	}
	if o.CutAt > 0 && ctx.Err() == nil && (err != nil || d.calls >= o.CutAt) {
		d.killed = true // it met the end of its disk before its own
		return d, nil
	}
	if err != nil {
		return d, errors.Join(fmt.Errorf("a copying process ended by itself: %s", firstLine([]byte(said.String()))), err)
	}
	return d, nil
}

func (d *death) read(out string) {
	for line := range strings.Lines(out) {
		word, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(number)
		switch {
		case err != nil: // the line that the kill cut off
		case word == "acknowledged":
			d.acknowledged = n
		case word == "calls":
			d.calls = int64(n)
		}
	}
}
