// Command devicesim is the reference implementer of org.clearance.FindMyDevice1:
// a simulated Find My Device for the demo, for tests and as a model for device
// makers. It always says that it is simulated, and it is never packaged.
//
// It wires flags, bus and signals to platform/findmy/devicesvc, and nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/clearance-project/clearance/platform/findmy/devicesvc"
	"github.com/godbus/dbus/v5"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "devicesim:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("devicesim", flag.ContinueOnError)
	address := flags.String("address", "", "D-Bus `address`; empty: the system bus")
	cfg := devicesvc.Config{Now: time.Now, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	flags.StringVar(&cfg.Vendor, "vendor", "Simulator", "last `element` of the bus name")
	flags.StringVar(&cfg.Provider, "provider", "", "`id` of the provider in the catalogue")
	flags.StringVar(&cfg.Account, "account", "", "the account's `identity` at the provider")
	flags.StringVar(&cfg.StateFile, "state-file", "", "absolute `path` of the file that keeps the state")
	owner := flags.Int64("owner-uid", -1, "`uid` of the owner of a single-owner device, who may call too")
	agent := flags.Int64("agent-uid", -1, "`uid` of clearanced, where it is not 0")
	url := flags.String("check-url", "", "`URL` at the provider that answers 200 to the right password and 401 to a wrong one")
	user := flags.String("check-user", "", "`name` for that URL; empty: the account")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var err error
	if cfg.Owner, err = uid("owner-uid", *owner); err != nil {
		return err
	}
	if cfg.Agent, err = uid("agent-uid", *agent); err != nil {
		return err
	}
	check, err := devicesvc.NewHTTPCheck(*url, *user)
	if err != nil {
		return err
	}
	cfg.Check, cfg.Confirmer = check, check.Host()
	service, err := devicesvc.New(cfg)
	if err != nil {
		return err
	}
	conn, err := connect(*address)
	if err != nil {
		return fmt.Errorf("cannot connect to the system bus: %w", err)
	}
	return errors.Join(service.Serve(ctx, conn), conn.Close())
}

// uid is nil for -1, which means nobody.
func uid(name string, value int64) (*uint32, error) {
	if value == -1 {
		return nil, nil
	}
	if value < 0 || value >= math.MaxUint32 {
		return nil, fmt.Errorf("--%s %d is not a uid", name, value)
	}
	u := uint32(value)
	return &u, nil
}

func connect(address string) (*dbus.Conn, error) {
	if address == "" {
		return dbus.ConnectSystemBus()
	}
	return dbus.Connect(address)
}
