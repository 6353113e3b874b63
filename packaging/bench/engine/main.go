// Command engine is Clearance's backup engine as a process of its own, so that
// it can be measured beside cp, rsync and others: listing, copying, ledger,
// manifest and reading back are those of the agent's worker (platform/tasks).
//
//	engine copy SOURCE COPY     brings the copy up to date, and makes it durable
//	engine verify COPY          reads every byte back, past the cache
//
// COPY is a folder that exists; the bag becomes COPY/bag, the ledger lies in
// COPY/state. What was done, and the peak of its memory, is printed as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/verify"
)

// photos is the one source of a measured copy.
var photos = source.Ref{Account: "bench:alice", Dataset: source.Photos, Source: "Pictures"}

// done is what is printed.
type done struct {
	Listed    int
	Copied    int
	Unchanged int
	Failed    int
	Verified  int
	Bytes     int64
	PeakKB    int64 // VmHWM at the end
}

func main() {
	trust := flag.Bool("trust-copies", false, "do not look at the copies before copying")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, flag.Args(), *trust, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, trust bool, out io.Writer) error {
	var d done
	var err error
	switch {
	case len(args) == 3 && args[0] == "copy":
		d, err = copyInto(ctx, args[1], args[2], trust)
	case len(args) == 2 && args[0] == "verify":
		d, err = readBack(ctx, args[1])
	default:
		return errors.New("usage: engine [-trust-copies] copy SOURCE COPY | engine verify COPY")
	}
	if err != nil {
		return err
	}
	if d.PeakKB, err = peak(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(d)
}

func copyInto(ctx context.Context, from, at string, trust bool) (d done, err error) {
	err = open(at, func(b *bag.Bag, l *ledger.Ledger) (err error) {
		root, err := scan.Open(from)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, root.Close()) }()
		folder := source.Folder{Ref: photos, Root: root, Folder: "Pictures"}
		r, err := copy.Run(ctx, b, l, folder.Items(ctx), copy.Options{Sources: []source.Ref{photos}, TrustCopies: trust})
		d = done{Listed: r.Listed, Copied: r.Copied, Unchanged: r.Unchanged, Failed: r.Failed, Bytes: r.Bytes}
		if err == nil && r.Outcome != copy.Complete {
			err = fmt.Errorf("the copy is %s: %d items failed", r.Outcome, r.Failed)
		}
		return err
	})
	return d, err
}

func readBack(ctx context.Context, at string) (d done, err error) {
	err = open(at, func(b *bag.Bag, l *ledger.Ledger) error {
		r, err := verify.Run(ctx, b, l, verify.Options{})
		d = done{Listed: r.Items, Verified: r.OK, Failed: r.Items - r.OK, Bytes: r.Bytes}
		if err == nil && !r.Whole() {
			err = fmt.Errorf("%d of %d items are not whole", r.Items-r.OK, r.Items)
		}
		return err
	})
	return d, err
}

// open opens bag and ledger, made anew where they are not there.
func open(at string, fn func(*bag.Bag, *ledger.Ledger) error) (err error) {
	state := filepath.Join(at, "state")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return err
	}
	b, err := bag.Create(at, "bag", bag.Options{})
	if errors.Is(err, fs.ErrExist) {
		b, err = bag.Open(filepath.Join(at, "bag"), bag.Options{})
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	l, err := ledger.Open(state)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return fn(b, l)
}
