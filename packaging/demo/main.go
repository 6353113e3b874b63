// Command demo walks one departure from the first question to a redeemed permit,
// on the real platform of packaging/stage, and fails unless all of it held.
//
// Everything happens in a throw-away home, as an unprivileged user, on buses of
// its own. Every number that it prints comes from the run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	bin := flag.String("bin", "", "`folder` with the programs")
	photos := flag.String("photos", "", "`folder` with pictures of one's own, copied into the account")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	err := run(ctx, *bin, *photos)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\nThe demo did not hold:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, photos string) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("run it with `make demo`, as root or with sudo")
	}
	began := time.Now()
	s, err := set(ctx, bin, photos)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, scene := range scenes {
		title(scene.title)
		if err := scene.play(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", scene.title, err)
		}
	}
	fmt.Printf("\nAll of it held, in %.0f seconds. Everything that the demo started is stopped; your copy stays.\n", time.Since(began).Seconds())
	return nil
}

// title begins a scene.
func title(text string) { fmt.Printf("\n── %s\n", text) }
