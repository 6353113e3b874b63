package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/client"
	"github.com/clearance-project/clearance/packaging/stage"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// Measurements are those of the agent, in the order in which they are made.
var Measurements = []Measurement{
	one("start to serving", 0.2, "s", startToServing),
	one("daemon idle, resident", 30, "MB", idleMemory),
	one("plan of the demo's account", 10, "s", plan),
	idleFolders,
	one("5,000 contacts out of evolution-data-server", 2, "s", bookOf5000),
	one("5,000 contacts, server and device, into the copy", 4, "s", contacts),
	newPhoto,
	statusCalls,
	manyItems,
}

// one is a measurement of one figure.
func one(name string, bar float64, unit string, run func(context.Context, *Bench) (float64, error)) Measurement {
	return Measurement{Name: name, Figures: []Figure{{name, bar, unit}}, Run: func(ctx context.Context, b *Bench) ([]float64, error) {
		v, err := run(ctx, b)
		return []float64{v}, err
	}}
}

// content is as much as the demo's account holds.
var content = davtest.Content{Contacts: 120, Events: 40, Tasks: 12, Notes: 20, Photos: 60, Files: 10}

// with runs fn on a stage with an account of some content, signed in, and the
// agent running.
func (b *Bench) with(ctx context.Context, c davtest.Content, fn func(*stage.Stage, *client.Client) error) (err error) {
	s, closing, err := b.set(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing()) }()
	if err := s.Account.Fill(c); err != nil {
		return err
	}
	if _, err := s.SignIn(ctx); err != nil {
		return err
	}
	if err := s.StartAgent(ctx); err != nil {
		return err
	}
	cl, err := s.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	return fn(s, cl)
}

func startToServing(ctx context.Context, b *Bench) (v float64, err error) {
	s, closing, err := b.set(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closing()) }()
	return seconds(func() error { return s.StartAgent(ctx) })
}

// idleMemory is the agent's resident memory after it looked at the demo's
// account and settled.
func idleMemory(ctx context.Context, b *Bench) (v float64, err error) {
	err = b.with(ctx, content, func(s *stage.Stage, c *client.Client) error {
		if _, err := begun(ctx, s, c, departure.StepVerify); err != nil {
			return err
		}
		v, err = resident(s.Agent())
		return err
	})
	return v, err
}

// resident is VmRSS of a process in MB (proc_pid_status(5)).
func resident(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("the kernel does not say")
}

func plan(ctx context.Context, b *Bench) (v float64, err error) {
	err = b.with(ctx, content, func(s *stage.Stage, c *client.Client) error {
		a, err := account(ctx, s, c)
		if err != nil {
			return err
		}
		v, err = seconds(func() error {
			job, err := c.Plan(ctx, a)
			if err == nil {
				job, err = c.Wait(ctx, job, nothing)
			}
			if err == nil && !job.Plan.Complete {
				err = errors.New("the plan is not complete")
			}
			return err
		})
		return err
	})
	return v, err
}

// contacts is the time of the first copy, listings included, of an account with
// 5,000 contacts that this device has synced.
func contacts(ctx context.Context, b *Bench) (v float64, err error) {
	err = b.with(ctx, davtest.Content{Contacts: 5000}, func(s *stage.Stage, c *client.Client) error {
		id, err := begun(ctx, s, c, departure.StepInventory)
		if err != nil {
			return err
		}
		if err := synced(ctx, c, id, 5000); err != nil {
			return err
		}
		v, err = seconds(func() error { return until(ctx, c, id, departure.StepBackup) })
		if err != nil {
			return err
		}
		info, err := c.Departure(ctx, id)
		if err == nil && info.Copy.Items < 10_000 {
			err = fmt.Errorf("the copy has %d items, want 5,000 of the server and 5,000 of this device", info.Copy.Items)
		}
		return err
	})
	return v, err
}

// synced waits until this device's book holds as many contacts as the server.
func synced(ctx context.Context, c *client.Client, id string, want int64) error {
	for update, err := range c.Watch(ctx, id) {
		if err != nil {
			return err
		}
		for _, l := range update.Departure.Listings {
			if l.Source.Fate == departure.Leaves && l.Items == want {
				return nil
			}
		}
		if !update.Departure.Running {
			if err := until(ctx, c, id, departure.StepInventory); err != nil {
				return err
			}
		}
	}
	return errors.New("the device never synced the account")
}

func nothing(engine.Progress) {}

func account(ctx context.Context, s *stage.Stage, c *client.Client) (string, error) {
	all, err := c.Accounts(ctx)
	if err != nil {
		return "", err
	}
	for _, a := range all.Accounts {
		if a.Identity == s.Identity() {
			return a.ID, nil
		}
	}
	return "", errors.New("the account is not there")
}

// begun begins to leave the account and goes on up to a step. The device's books
// are synced once it is there.
func begun(ctx context.Context, s *stage.Stage, c *client.Client, step departure.Step) (string, error) {
	a, err := account(ctx, s, c)
	if err != nil {
		return "", err
	}
	info, err := c.StartDeparture(ctx, agent.StartRequest{Account: a, Intent: departure.Delete})
	if err != nil {
		return "", err
	}
	id := info.Departure.ID
	if _, err := c.SetDestination(ctx, id, filepath.Join(s.Root, "copy")); err != nil {
		return "", err
	}
	return id, until(ctx, c, id, step)
}

func until(ctx context.Context, c *client.Client, id string, step departure.Step) error {
	job, err := c.Run(ctx, id, step)
	if err == nil {
		_, err = c.Wait(ctx, job, nothing)
	}
	return err
}
