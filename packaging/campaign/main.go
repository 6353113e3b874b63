// The campaign program attacks the copy for a long while and counts what it
// finds: killed runs, power cuts, calls that fail, and damage in the copy
// itself. `make campaign-backup` runs it and writes
// packaging/bench/RELIABILITY.md; a bounded part of each campaign is a test.
//
// It imports backup, as the agent's worker does, and runs the real agent for
// the faults that strace injects. Nothing imports it.
//
// What must hold after every attack:
//   - `sha256sum -c` accepts the copy, or reading it back names the damage;
//   - nothing that was acknowledged is lost;
//   - the next run completes the copy.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// campaign is one way to attack the copy.
type campaign struct {
	name   string // stays the same: a figure of RELIABILITY.md is known by it
	what   string // what is done, for a person
	cycles int    // of a whole campaign; 0: until a run is clean
	run    func(ctx context.Context, c *course) error
}

var campaigns = []campaign{
	{"calls", "every call of the file system's port fails once, in the copy and in the ledger, with EIO, ENOSPC and EROFS", 0, failCalls},
	{"kill", "kill -9 of the copying process at a random moment", 1000, kill},
	{"power", "power cut on a loop ext4 at a random call; in every other cycle the ledger's disk goes with it", 200, cutPower},
	{"strace", "strace makes the nth fsync, fdatasync, syncfs, write, rename, open and fallocate of each thread of the real agent fail with EIO, ENOSPC and EROFS", 0, inject},
	{"damage", "the copy is damaged: bits, lengths, places, files gone with and without their line, an older copy in its place", 10_000, damage},
}

func main() {
	if child() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "campaign:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context) error {
	only := flag.String("only", ".", "the campaigns to run, as a regular expression")
	cycles := flag.Int("cycles", 0, "cycles of each campaign; 0: the whole of it")
	seed := flag.Uint64("seed", 1, "the seed of everything random")
	out := flag.String("out", "", "the folder to write RELIABILITY.md to; none if empty")
	bin := flag.String("bin", ".cache/campaign", "the folder with the agent's programs")
	flag.Parse()
	want, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	var results []result
	for _, c := range campaigns {
		if !want.MatchString(c.name) {
			continue
		}
		r, err := conduct(ctx, c, *seed, *cycles, *bin)
		if err != nil {
			return err
		}
		results = append(results, r)
		fmt.Println(r.line())
		if *out == "" {
			continue
		}
		if err := record(*out, results); err != nil {
			return err
		}
	}
	for _, r := range results {
		if r.Broken > 0 {
			return fmt.Errorf("%s: %d attacks broke a promise", r.Name, r.Broken)
		}
	}
	return nil
}

func conduct(ctx context.Context, c campaign, seed uint64, cycles int, bin string) (r result, err error) {
	if cycles == 0 {
		cycles = c.cycles
	}
	dir, err := os.MkdirTemp("/var/tmp", "campaign-")
	if err != nil {
		return r, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	began := time.Now()
	k := newCourse(dir, seed, cycles, bin)
	if err := c.run(ctx, k); err != nil {
		return r, fmt.Errorf("%s: %w", c.name, err)
	}
	r = k.result
	r.Name, r.What, r.Took = c.name, c.what, time.Since(began)
	return r, nil
}
