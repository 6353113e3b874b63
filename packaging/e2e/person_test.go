// Package e2e runs the real agent on the real platform, from the first question
// to a redeemed permit, and through bad days.
package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/client"
	"github.com/clearance-project/clearance/packaging/stage"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"github.com/clearance-project/clearance/platform/session"
)

var bin string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("/var/tmp", "clearance-e2e-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	build := exec.Command("go", "build", "-o", dir, "./agent/clearanced", "./platform/devicesim", "./packaging/stage/relay")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build: %v\n%s", err, out)
		return 1
	}
	bin = dir
	return m.Run()
}

// person is who leaves an account: they do what the agent asks.
type person struct {
	t     *testing.T
	stage *stage.Stage
	c     *client.Client
	dest  string
}

const (
	user     = "alice"
	password = "correct horse"
	patience = 60 * time.Second
)

func start(t *testing.T, content davtest.Content) *person {
	t.Helper()
	root, err := os.MkdirTemp("/var/tmp", "ce-")
	if err == nil {
		err = os.Chmod(root, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	o := stage.Options{Root: root, Bin: bin, User: user, Password: password}
	if os.Geteuid() == 0 {
		if o.As, err = session.LookupCredential("nobody"); err != nil {
			t.Fatal(err)
		}
	}
	s, err := stage.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, stage: s, dest: filepath.Join(root, "copy")}
	t.Cleanup(func() {
		if t.Failed() {
			p.logs()
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := os.Mkdir(p.dest, 0o700); err != nil {
		t.Fatal(err)
	}
	if o.As != nil {
		if err := os.Chown(p.dest, int(o.As.UID), int(o.As.GID)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Account.Fill(content); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *person) logs() {
	for _, name := range []string{"agent.log", "device.log", "relay.log"} {
		if b, err := os.ReadFile(filepath.Join(p.stage.Root, name)); err == nil {
			p.t.Logf("%s:\n%s", name, b)
		}
	}
}

func (p *person) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) device() {
	p.t.Helper()
	if os.Geteuid() != 0 {
		p.t.Skip("the reference Find My Device runs as root")
	}
	p.ok(p.stage.TurnDeviceOn(p.t.Context()))
}

func (p *person) signIn() {
	p.t.Helper()
	_, err := p.stage.SignIn(p.t.Context())
	p.ok(err)
}

func (p *person) agent() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	p.ok(p.stage.StartAgent(ctx))
	c, err := p.stage.Client()
	p.ok(err)
	p.c = c
	p.t.Cleanup(c.Close)
}

func (p *person) account() string {
	p.t.Helper()
	as, err := p.c.Accounts(p.t.Context())
	p.ok(err)
	for _, a := range as {
		if a.Identity == p.stage.Identity() {
			return a.ID
		}
	}
	p.t.Fatalf("the account is not among %+v", as)
	return ""
}

func (p *person) wait(job agent.JobInfo, err error) (agent.JobInfo, error) {
	p.t.Helper()
	if err != nil {
		return job, err
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	return p.c.Wait(ctx, job, func(engine.Progress) {})
}

func (p *person) plan(account string) *agent.PlanReport {
	p.t.Helper()
	job, err := p.wait(p.c.Plan(p.t.Context(), account))
	p.ok(err)
	return job.Plan
}

func (p *person) leave(account string, intent departure.Intent) string {
	p.t.Helper()
	info, err := p.c.StartDeparture(p.t.Context(), agent.StartRequest{Account: account, Intent: intent})
	p.ok(err)
	_, err = p.c.SetDestination(p.t.Context(), info.Departure.ID, p.dest)
	p.ok(err)
	return info.Departure.ID
}

// walk does what the agent asks until done.
func (p *person) walk(id string, done func(agent.DepartureInfo) bool) agent.DepartureInfo {
	p.t.Helper()
	var info agent.DepartureInfo
	for range 12 {
		job, err := p.wait(p.c.Run(p.t.Context(), id, departure.StepTrack))
		p.ok(err)
		info = *job.Departure
		if done(info) {
			return info
		}
		p.answer(info)
	}
	for _, c := range info.Verdict.Checks.Open() {
		p.t.Logf("open: %s %s [%s] %s (%v)", c.ID, c.Status, c.Reason.Code, c.Reason.Text, c.Remedy)
	}
	p.t.Fatalf("the end is not reached; waiting %+v %s", info.Waiting, info.WaitingWhy)
	return info
}

func (p *person) answer(info agent.DepartureInfo) {
	p.t.Helper()
	ctx, id := p.t.Context(), info.Departure.ID
	for _, c := range info.Verdict.Checks.Open() {
		if c.Ask == nil || c.Ask.Said || c.Ask.Kind == departure.Decline {
			continue
		}
		_, err := p.c.Say(ctx, id, agent.WordRequest{Check: c.ID, Kind: c.Ask.Kind, Subject: c.Ask.Subject, List: c.Ask.List, Statement: "yes"})
		p.ok(err)
	}
	info, err := p.c.Departure(ctx, id)
	p.ok(err)
	_, err = p.c.Authorize(ctx, id, agent.AuthorizeRequest{Effects: info.Verdict.Pending, Proof: password, Words: info.WordsDigest})
	p.ok(err)
}

func (p *person) permit(id string) *agent.PermitInfo {
	p.t.Helper()
	job, err := p.wait(p.c.RequestPermit(p.t.Context(), id, rand.Text(), "demo"))
	p.ok(err)
	return job.Permit
}

func (p *person) redeem(permit string) (*agent.ReceiptInfo, error) {
	p.t.Helper()
	job, err := p.wait(p.c.Redeem(p.t.Context(), permit, rand.Text()))
	return job.Receipt, err
}
