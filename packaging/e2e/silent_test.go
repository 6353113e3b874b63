package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/scan/scantest"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// TestServerBehindAFolderIsGone: it is ready, and the server is gone that a
// program's files in the home come from. It is not ready any more, the command line
// says of which program and in which folder, no permit is given, the agent ends and
// starts meanwhile, and it is ready by itself once the server is back.
func TestServerBehindAFolderIsGone(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 3})
	back := p.folder(filepath.Join(p.stage.Root, "server"), map[string][]byte{
		"rclone.conf": []byte("[box]\ntype = webdav\nurl = https://box.example/dav/\nvendor = other\nuser = bob\n"),
	})
	far := p.folder(filepath.Join(p.stage.Session.ConfigHome, "rclone"), nil)
	m := scantest.Mount(t, back, far)
	p.signIn()
	p.agent()
	account := p.account()
	id := p.leave(account, departure.Delete)
	p.ready(id)
	p.permit(id)

	m.Hang()
	if permit, err := p.ask(id); err == nil {
		t.Fatalf("a permit was given although not everything could be looked at: %+v", permit)
	}
	info := p.now(id)
	c := p.check(info, departure.InventoryComplete)
	if info.Verdict.Ready || c.Status != departure.Unknown || !strings.Contains(c.Reason.Text, far) {
		t.Errorf("it is ready %v: %+v", info.Verdict.Ready, c)
	}
	plan := p.plan(account)
	if plan.Complete {
		t.Errorf("the plan is complete: %+v", plan)
	}
	for _, words := range [][]string{{"status", account}, {"plan", account}} {
		said := p.says(words...)
		t.Logf("clearance %s:\n%s", strings.Join(words, " "), said)
		for _, says := range []string{"rclone", "gives no answer", far, "unmount it"} {
			if !strings.Contains(strings.Join(strings.Fields(said), " "), says) { // however its lines end
				t.Errorf("clearance %s does not say %q", strings.Join(words, " "), says)
			}
		}
	}

	ended := make(chan error, 1)
	go func() { ended <- p.stage.StopAgent() }()
	var err error
	select {
	case err = <-ended:
	case <-time.After(10 * time.Second):
		// What the mount's server had read, and does not answer, holds a process in
		// the kernel, though it has ended otherwise (fuse's request_wait_answer).
		if states := scantest.Threads(t, p.stage.Agent()); strings.Trim(states, "DZX") != "" {
			t.Errorf("the agent does not end, and nothing in the kernel holds it: its threads are %q", states)
		}
		m.Answer()
		err = <-ended
	}
	if err != nil {
		t.Errorf("the agent did not end: %v", err)
	}
	m.Answer()
	p.agent()
	info = p.walk(id, func(i agent.DepartureInfo) bool { return i.Verdict.Ready })
	p.wants(info, departure.InventoryComplete, departure.Pass, "listed")
	p.permit(id)
	m.Hang()
	if permit, err := p.ask(id); err == nil {
		t.Fatalf("a permit was given although not everything could be looked at: %+v", permit)
	}
	m.Answer()
	p.until("it is ready by itself", id, func(i agent.DepartureInfo) bool { return i.Verdict.Ready })
}
