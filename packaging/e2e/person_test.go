// Package e2e runs the real agent on the real platform, from the first question
// to a redeemed permit, and through bad days.
package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/api"
	"github.com/clearance-project/clearance/ipc/cli"
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
	bin = filepath.Join(dir, "bin")
	if err := build(bin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build builds the programs of a stage into a folder.
func build(into string, flags ...string) error {
	if err := os.Mkdir(into, 0o755); err != nil {
		return err
	}
	args := slices.Concat([]string{"build"}, flags, []string{"-o", into, "./agent/clearanced", "./platform/devicesim", "./packaging/stage/relay"})
	c := exec.Command("go", args...)
	c.Dir = "../.."
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build: %w\n%s", err, out)
	}
	return nil
}

// person is who leaves an account: they do what the agent asks.
type person struct {
	t     *testing.T
	stage *stage.Stage
	c     *client.Client
	dest  string
	// counts are what the person counted at the provider, by check.
	counts map[departure.CheckID]int64
}

const (
	user     = "alice"
	password = "correct horse"
	patience = 60 * time.Second
)

func start(t *testing.T, content davtest.Content) *person {
	t.Helper()
	return startWith(t, bin, content)
}

// startWith is start with other programs.
func startWith(t *testing.T, programs string, content davtest.Content) *person {
	t.Helper()
	t.Parallel()
	root, err := os.MkdirTemp("/var/tmp", "ce-")
	if err == nil {
		err = os.Chmod(root, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	o := stage.Options{Root: root, Bin: programs, User: user, Password: password}
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

func (p *person) signIn() dbus.ObjectPath {
	p.t.Helper()
	path, err := p.stage.SignIn(p.t.Context())
	p.ok(err)
	return path
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
	for _, a := range as.Accounts {
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
		info = p.run(id, departure.StepTrack)
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

// run lets the agent go on up to a step, and returns what it came to.
func (p *person) run(id string, until departure.Step) agent.DepartureInfo {
	p.t.Helper()
	job, err := p.wait(p.c.Run(p.t.Context(), id, until))
	p.ok(err)
	p.nextStep(*job.Departure)
	return *job.Departure
}

// nextStep holds every refusal against what a refusal must say.
func (p *person) nextStep(info agent.DepartureInfo) {
	p.t.Helper()
	if info.State != engine.Open || info.Verdict.Ready || info.Verdict.Complete {
		return
	}
	if info.Waiting == nil || info.WaitingWhy == "" {
		p.t.Errorf("not ready, and nothing says what to do next: %+v %q", info.Waiting, info.WaitingWhy)
	}
	for _, c := range info.Verdict.Checks.Open() {
		if c.Reason.Text == "" || c.Remedy == nil || c.Remedy.Text == "" || !p.understood(c.Remedy.Command) {
			p.t.Errorf("%s is %s (%s), and names no next command that there is: %+v", c.ID, c.Status, c.Reason.Text, c.Remedy)
		}
	}
}

// understood reports whether the command line takes a command as it was named:
// then all that it lacks, here, is an agent.
func (p *person) understood(command string) bool {
	p.t.Helper()
	words := strings.Fields(command)
	if len(words) < 2 || words[0] != "clearance" {
		return false
	}
	for i, w := range words {
		if w == "N" {
			words[i] = "1"
		}
	}
	app := cli.App{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Runtime: filepath.Join(p.stage.Root, "nowhere"), Now: time.Now}
	return app.Run(p.t.Context(), words[1:]) == api.OutcomeOf(agent.KindUnavailable).Exit
}

// ready walks until the deletion is allowed.
func (p *person) ready(id string) agent.DepartureInfo {
	p.t.Helper()
	return p.walk(id, func(i agent.DepartureInfo) bool { return i.Verdict.Ready })
}

// now is the departure as it stands.
func (p *person) now(id string) agent.DepartureInfo {
	p.t.Helper()
	info, err := p.c.Departure(p.t.Context(), id)
	p.ok(err)
	return info
}

// until waits until the departure is as wanted.
func (p *person) until(what, id string, wanted func(agent.DepartureInfo) bool) agent.DepartureInfo {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		info := p.now(id)
		if wanted(info) {
			return info
		}
		select {
		case <-ctx.Done():
			p.t.Fatalf("never: %s; it is %+v", what, info.Verdict.Checks.Open())
		case <-tick.C:
		}
	}
}

// check is one line of the verdict.
func (p *person) check(info agent.DepartureInfo, id departure.CheckID) departure.Check {
	p.t.Helper()
	c, ok := info.Verdict.Checks.Get(id)
	if !ok {
		p.t.Fatalf("the verdict has no line %s: %+v", id, info.Verdict)
	}
	return c
}

// wants fails the test unless a line stands as given.
func (p *person) wants(info agent.DepartureInfo, id departure.CheckID, status departure.Status, code string) departure.Check {
	p.t.Helper()
	c := p.check(info, id)
	if c.Status != status || c.Reason.Code != code {
		p.t.Errorf("%s is %s [%s] %s (%+v), want %s [%s]", id, c.Status, c.Reason.Code, c.Reason.Text, c.Remedy, status, code)
	}
	if info.Verdict.Ready && !status.Holds() {
		p.t.Errorf("it is ready although %s is %s", id, status)
	}
	return c
}

// say answers every question that is open, and authorises nothing.
func (p *person) say(info agent.DepartureInfo) {
	p.t.Helper()
	for _, c := range info.Verdict.Checks.Open() {
		if c.Ask == nil || c.Ask.Said || c.Ask.Kind == departure.Decline {
			continue
		}
		p.sayOne(info.Departure.ID, c, p.counts[c.ID])
	}
}

func (p *person) sayOne(id string, c departure.Check, count int64) agent.DepartureInfo {
	p.t.Helper()
	if c.Ask == nil {
		p.t.Fatalf("%s asks nothing: %s", c.ID, c.Reason.Text)
	}
	info, err := p.c.Say(p.t.Context(), id, agent.WordRequest{Check: c.ID, Kind: c.Ask.Kind, Subject: c.Ask.Subject, List: c.Ask.List, Statement: "yes", Count: count})
	p.ok(err)
	return info
}

// authorise is the owner's leave over all that is shown now.
func (p *person) authorise(id, proof string) {
	p.t.Helper()
	info := p.now(id)
	_, err := p.c.Authorize(p.t.Context(), id, agent.AuthorizeRequest{Effects: info.Verdict.Pending, Proof: proof, Words: info.WordsDigest})
	p.ok(err)
}

func (p *person) answer(info agent.DepartureInfo) {
	p.t.Helper()
	p.say(info)
	p.authorise(info.Departure.ID, password)
}

func (p *person) permit(id string) *agent.PermitInfo {
	p.t.Helper()
	job, err := p.wait(p.c.RequestPermit(p.t.Context(), id, rand.Text(), "demo"))
	p.ok(err)
	return job.Permit
}

// ask is a permit asked for, or why it was refused.
func (p *person) ask(id string) (*agent.PermitInfo, error) {
	p.t.Helper()
	return p.askFor(id, "demo")
}

func (p *person) askFor(id, audience string) (*agent.PermitInfo, error) {
	p.t.Helper()
	job, err := p.wait(p.c.RequestPermit(p.t.Context(), id, rand.Text(), audience))
	return job.Permit, err
}

func (p *person) redeem(permit string) (*agent.ReceiptInfo, error) {
	p.t.Helper()
	return p.redeemAs(permit, rand.Text())
}

func (p *person) redeemAs(permit, nonce string) (*agent.ReceiptInfo, error) {
	p.t.Helper()
	job, err := p.wait(p.c.Redeem(p.t.Context(), permit, nonce))
	return job.Receipt, err
}
