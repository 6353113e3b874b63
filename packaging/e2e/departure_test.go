package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// TestDeparture walks a whole departure on the real platform.
func TestDeparture(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 40, Events: 12, Tasks: 5, Notes: 8, Photos: 15, Files: 6})
	p.device()
	p.signIn()
	p.agent()
	a := p.account()

	plan := p.plan(a)
	if !plan.Complete {
		t.Fatalf("the plan is not complete: %+v", plan)
	}
	for _, c := range plan.Classes {
		t.Logf("plan: %s %d items, %d bytes, %d only in the cloud", c.Dataset, c.Items, c.Bytes, c.OnlyCloud)
	}
	id := p.leave(a, departure.Delete)
	info := p.walk(id, func(i agent.DepartureInfo) bool { return i.Verdict.Ready })
	for _, c := range info.Verdict.Checks {
		t.Logf("%-26s %-8s %s", c.ID, c.Status, c.Reason.Text)
	}
	permit := p.permit(id)
	if _, err := p.redeem(permit.ID); err != nil {
		t.Fatal(err)
	}
	p.sha256sum(info)
	if out, err := os.ReadFile(filepath.Join(p.stage.Session.ConfigHome, "goa-1.0", "accounts.conf")); err == nil && strings.Contains(string(out), "account_") {
		t.Errorf("something of the account is left: %s", out)
	}

	second := p.permit(id)
	if _, err := p.stage.Account.PutFile("Photos/new.jpg", []byte("a new photo")); err != nil {
		t.Fatal(err)
	}
	r, err := p.redeem(second.ID)
	if err == nil {
		t.Fatalf("a permit was redeemed although a photo had arrived: %+v", r)
	}
	t.Logf("refused: %v", err)
}

// sha256sum checks the copy without Clearance.
func (p *person) sha256sum(info agent.DepartureInfo) {
	p.t.Helper()
	check := exec.Command("sha256sum", "-c", "--quiet", "manifest-sha256.txt")
	check.Dir = info.Copy.Shown
	if out, err := check.CombinedOutput(); err != nil {
		p.t.Errorf("the copy: %v\n%s", err, out)
	}
}
