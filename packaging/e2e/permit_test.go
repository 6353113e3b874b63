package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"github.com/clearance-project/clearance/platform/session"
)

const tasks = dav + "caldav/calendars/" + user + "/tasks/"

// TestPermits: what a permit is good for, once it was given.
func TestPermits(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 2, Photos: 4})
	given := p.folder(filepath.Join(p.stage.Root, "given"), p.pictures(2))
	p.signIn()
	p.agent()
	a := p.account()
	_, err := p.c.AddSource(t.Context(), a, departure.Photos, given)
	p.ok(err)
	p.rest()
	id := p.leave(a, departure.Delete)
	p.ready(id)

	t.Run("redeemed once", func(t *testing.T) {
		p := p.in(t)
		permit, nonce := p.permit(id), rand.Text()
		first, err := p.redeemAs(permit.ID, nonce)
		p.ok(err)
		again, err := p.redeemAs(permit.ID, nonce)
		p.ok(err)
		if again.Token != first.Token || !again.At.Equal(first.At) {
			t.Errorf("the same call again is another receipt: %v, %v", first.At, again.At)
		}
		p.stale(permit, rand.Text(), "over another nonce")
	})
	t.Run("unknown", func(t *testing.T) {
		p := p.in(t)
		_, err := p.redeem(rand.Text())
		p.refused(err, agent.KindNotFound, "a permit that was never given")
	})
	t.Run("short nonce", func(t *testing.T) {
		p := p.in(t)
		_, err := p.redeemAs(p.permit(id).ID, "short")
		p.refused(err, agent.KindInvalid, "a nonce that could be guessed")
	})
	t.Run("revoked stays revoked", func(t *testing.T) {
		p := p.in(t)
		permit := p.permit(id)
		_, err := p.stage.Account.PutFile("Photos/late.jpg", []byte("late"))
		p.ok(err)
		p.stale(permit, rand.Text(), "after a photo arrived")
		p.ok(p.stage.Account.RemoveFile("Photos/late.jpg"))
		p.ready(id)
		p.stale(permit, rand.Text(), "after the photo went again")
	})
	t.Run("a photo arrives at the server between the look and the signature", func(t *testing.T) {
		p := p.in(t)
		// The photos were listed, the task list is the last that is.
		last := p.stage.Server.Inject(davtest.Fault{Method: "PROPFIND", Path: tasks, Depth: "1", Times: 1, After: func() {
			_, err := p.stage.Account.PutFile("Photos/between.jpg", []byte("between"))
			p.ok(err)
		}})
		p.noneWithout(id, []byte("between"))
		if last.Fired() != 1 {
			t.Error("the task list was not listed")
		}
		p.stage.Server.Heal()
		p.ready(id)
	})
	t.Run("a photo arrives on the device while the server is asked once more", func(t *testing.T) {
		p := p.in(t)
		picture, err := davtest.Picture(500)
		p.ok(err)
		// A look asks for the task list's state twice, the fence once more: all
		// that the folder holds was listed by then.
		last := p.stage.Server.Inject(davtest.Fault{Method: "PROPFIND", Path: tasks, Depth: "0", Skip: 2, Times: 1, Before: func() {
			p.folder(given, map[string][]byte{"between.jpg": picture})
		}})
		p.noneWithout(id, picture)
		if last.Fired() != 1 {
			t.Error("the server was not asked once more")
		}
		p.stage.Server.Heal()
		p.rest()
		p.ready(id)
	})
	t.Run("a photo arrives on the device, which is slow to tell", func(t *testing.T) {
		p := p.in(t)
		picture, err := davtest.Picture(502)
		p.ok(err)
		mend := p.slowWatch(time.Second)
		last := p.stage.Server.Inject(davtest.Fault{Method: "PROPFIND", Path: tasks, Depth: "0", Skip: 2, Times: 1, Before: func() {
			p.folder(given, map[string][]byte{"unheard.jpg": picture})
		}})
		p.noneWithout(id, picture)
		if last.Fired() != 1 {
			t.Error("the server was not asked once more")
		}
		mend()
		p.stage.Server.Heal()
		p.rest()
		p.ready(id)
	})
	t.Run("a photo arrives while the server is slow", func(t *testing.T) {
		p := p.in(t)
		picture, err := davtest.Picture(501)
		p.ok(err)
		held := p.stage.Server.Inject(davtest.Fault{Method: "PROPFIND", Path: dav + "webdav", Hold: true})
		job, err := p.c.RequestPermit(t.Context(), id, rand.Text(), "demo")
		p.ok(err)
		<-held.Arrived()
		p.folder(given, map[string][]byte{"slow.jpg": picture})
		p.stage.Server.Heal()
		job, err = p.wait(job, nil)
		if err == nil && !p.copied(p.now(id), picture) {
			t.Errorf("a permit was given whose copy misses the photo: %+v", job.Permit)
		}
		p.rest()
		info := p.ready(id)
		if !p.copied(info, picture) {
			t.Error("the photo is not in the copy")
		}
	})
	t.Run("the agent was started anew", func(t *testing.T) {
		p := p.in(t)
		permit := p.permit(id)
		p.ok(p.stage.KillAgent())
		p.agent()
		p.stale(permit, rand.Text(), "after a restart")
		// The password was in memory alone: that is an honest "not known".
		info := p.run(id, departure.StepTrack)
		c := p.wants(info, departure.ServerSeen, departure.Unknown, "cloud-last-seen")
		if c.Remedy == nil || c.Remedy.Code != "password" {
			t.Errorf("the remedy is %+v", c.Remedy)
		}
		if _, err := p.ask(id); err == nil {
			t.Error("a permit was given without asking the server")
		}
		if err := p.c.Credential(t.Context(), a, "not the password"); err == nil {
			t.Error("a wrong password was taken")
		}
		p.ok(p.c.Credential(t.Context(), a, password))
		p.sha256sum(p.ready(id))
		_, err := p.redeem(p.permit(id).ID)
		p.ok(err)
	})
}

// noneWithout asks for permits until one is given or refused for good: none is
// given whose copy lacks these bytes.
func (p *person) noneWithout(id string, data []byte) {
	p.t.Helper()
	permit, err := p.ask(id)
	if err == nil && !p.copied(p.now(id), data) {
		p.t.Errorf("a permit was given whose copy misses the photo: %+v", permit)
	}
	if err != nil {
		p.refused(err, agent.KindNotReady, "a photo in between")
	}
}

// stale fails the test unless a permit no longer counts.
func (p *person) stale(permit *agent.PermitInfo, nonce, when string) {
	p.t.Helper()
	_, err := p.redeemAs(permit.ID, nonce)
	p.refused(err, agent.KindStale, when)
}

// refused fails the test unless an error is of this kind, with a sentence.
func (p *person) refused(err error, kind agent.Kind, what string) {
	p.t.Helper()
	var e *agent.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Text == "" {
		p.t.Errorf("%s: %v, want a refusal of kind %s", what, err, kind)
	}
}

// TestWhatDoesNotParse is in the copy as it stands, and is listed.
func TestWhatDoesNotParse(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 3, Events: 2, Notes: 2})
	card := []byte("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:broken\r\nthis is no property\r\nFN:Broken")
	event := []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:broken\r\nSUMMARY:no end\r\n")
	note := []byte("# Broken\n\xff\xfe\x00 is no text")
	_, err := p.stage.Account.PutContact("contacts", "broken.vcf", card)
	p.ok(err)
	_, err = p.stage.Account.PutEvent("personal", "broken.ics", event)
	p.ok(err)
	_, err = p.stage.Account.PutFile("Notes/broken.md", note)
	p.ok(err)
	p.signIn()
	p.agent()
	id := p.leave(p.account(), departure.Delete)
	info := p.ready(id)
	for what, raw := range map[string][]byte{"contact": card, "event": event, "note": note} {
		if !p.copied(info, raw) {
			t.Errorf("the %s is not in the copy as it stands", what)
		}
	}
	p.failedItems(info, "broken.vcf", "broken.ics", "broken.md")
	p.sha256sum(info)
}

// TestAgentLosesTheSessionBus: it can see nothing then, says so, takes back what
// it gave, and recovers by itself.
func TestAgentLosesTheSessionBus(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 2})
	p.signIn()
	p.agent()
	id := p.leave(p.account(), departure.Delete)
	p.ready(id)
	permit := p.permit(id)

	p.ok(p.stage.Session.StopBus())
	p.eventually("the loss is seen", func() bool {
		r, err := p.c.Doctor(t.Context())
		p.ok(err)
		return !r.Healthy
	})
	p.stale(permit, rand.Text(), "without the session bus")
	info := p.run(id, departure.StepTrack)
	healthy := p.check(info, departure.AgentHealthy)
	if healthy.Status != departure.Unknown || info.Verdict.Ready {
		t.Errorf("without the session bus the agent is %s: %s", healthy.Status, healthy.Reason.Text)
	}
	if info.Live == agent.LiveReady {
		t.Error("a person is shown ready")
	}

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p.ok(p.stage.Session.StartBus(ctx))
	p.ok(p.stage.Session.RestartKeyring(ctx, session.KeyringUnlocked)) // it went with the bus
	p.eventually("the bus is back", func() bool {
		r, err := p.c.Doctor(t.Context())
		p.ok(err)
		return r.Healthy
	})
	p.stale(permit, rand.Text(), "once the bus is back")
	p.sha256sum(p.ready(id))
	if _, err := p.redeem(p.permit(id).ID); err != nil {
		t.Error(err)
	}
}

// TestSecondAgent ends at once and says why; the first goes on.
func TestSecondAgent(t *testing.T) {
	p := start(t, davtest.Content{})
	p.agent()
	for what, args := range map[string][]string{
		"the same":       {"--user"},
		"another socket": {"--user", "--socket", filepath.Join(p.stage.Session.RuntimeDir, "another.sock")},
		"another state":  {"--user", "--state", filepath.Join(p.stage.Session.StateHome, "another")},
	} {
		t.Run(what, func(t *testing.T) {
			p := p.in(t)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			out, err := p.stage.Session.Command(ctx, filepath.Join(bin, "clearanced"), args...).CombinedOutput()
			if err == nil || ctx.Err() != nil {
				t.Fatalf("a second agent ran: %v\n%s", err, out)
			}
			if !strings.Contains(string(out), "already") && !strings.Contains(string(out), "another") {
				t.Errorf("it does not say why: %s", out)
			}
			if _, err := p.c.Version(t.Context()); err != nil {
				t.Errorf("the first agent: %v", err)
			}
		})
	}
	if _, err := os.Stat(p.stage.Socket()); err != nil {
		t.Error(err)
	}
}
