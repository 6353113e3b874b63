package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// TestKilledAtEveryStep ends the agent as a power cut does, the moment each
// step begins, and the moment after each was made durable. Whoever goes on
// honestly reaches the end, nothing is lost, and nothing irreversible is done
// more often than it was allowed.
func TestKilledAtEveryStep(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 4, Events: 2, Notes: 2, Photos: 5, Files: 2})
	p.device()
	p.signIn()
	p.agent()
	k := &killer{person: p, met: map[string]bool{}, id: p.leave(p.account(), departure.Delete)}
	// A server that takes its time, so that each step can be met.
	for _, method := range []string{"GET", "REPORT"} {
		p.stage.Server.Inject(davtest.Fault{Method: method, Path: dav, Before: func() {
			select {
			case <-time.After(25 * time.Millisecond):
			case <-t.Context().Done():
			}
		}})
	}
	k.untilReady(func(i agent.DepartureInfo) string {
		for _, moment := range moments(i) {
			if !k.met[moment] {
				return moment
			}
		}
		return ""
	})
	for _, moment := range []string{
		"in backup", "in seal", "born", "reached verify", "reached keep", "reached authorize",
		"find-my-device done", "unbind done", "reached recheck",
	} {
		if !k.met[moment] {
			t.Errorf("it was never killed at %q, only at %v", moment, k.met)
		}
	}
	if !k.blind {
		t.Error("it was never killed after the sign-out")
	}
	k.nothingLost()
}

// TestKilledAtRandom ends the agent at any time.
func TestKilledAtRandom(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 4, Events: 2, Photos: 5})
	p.device()
	p.signIn()
	p.agent()
	k := &killer{person: p, met: map[string]bool{}, id: p.leave(p.account(), departure.Delete)}
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 7))
	kills, next := 0, time.Now()
	k.untilReady(func(agent.DepartureInfo) string {
		if kills < 12 && time.Now().After(next) {
			kills++
			next = time.Now().Add(time.Duration(50+r.IntN(700)) * time.Millisecond)
			return fmt.Sprint("random ", kills)
		}
		return ""
	})
	k.nothingLost()
}

// killer is a person whose agent is killed again and again.
type killer struct {
	*person
	id    string
	met   map[string]bool // the moments at which it was killed
	blind bool            // the credential was lost after the sign-out
}

// moments are what can be seen of a departure just now: the step that runs, and
// what was made durable.
func moments(i agent.DepartureInfo) (at []string) {
	if i.Progress.Step != "" && i.Running {
		at = append(at, "in "+string(i.Progress.Step))
	}
	if i.Destination.BagID != "" {
		at = append(at, "born")
	}
	if i.Authorised != nil {
		at = append(at, "authorised")
	}
	for _, r := range i.Reached {
		if r.Digest != "" {
			at = append(at, "reached "+string(r.Step))
		}
	}
	for _, a := range i.Acts {
		kind := "unbind"
		if _, ok := a.Effect.Implementer(); ok {
			kind = "find-my-device"
		}
		at = append(at, kind+" "+string(a.State))
	}
	return at
}

// untilReady walks to the end; kill says at what moment the agent is killed now.
func (k *killer) untilReady(kill func(agent.DepartureInfo) string) {
	k.t.Helper()
	for range 60 {
		if moment := k.goOn(kill); moment != "" {
			k.met[moment] = true
			k.ok(k.stage.KillAgent())
			k.agent()
			k.afterwards()
			continue
		}
		info := k.now(k.id)
		if info.Verdict.Ready && !info.Running {
			return
		}
		k.help(info)
	}
	k.t.Fatalf("the end is not reached: %+v", k.now(k.id).Verdict.Checks.Open())
}

// goOn lets the agent go on until nothing more happens by itself, or until it
// is to be killed.
func (k *killer) goOn(kill func(agent.DepartureInfo) string) (moment string) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), patience)
	defer cancel()
	job, err := k.c.Run(ctx, k.id, departure.StepTrack)
	k.ok(err)
	settled := make(chan error, 1)
	c := k.c
	go func() {
		_, err := c.Wait(ctx, job, nil)
		settled <- err
	}()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		if moment = kill(k.now(k.id)); moment != "" {
			// The wait ends with the agent: its error says nothing more.
			return moment
		}
		select {
		case err := <-settled:
			k.ok(err)
			return ""
		case <-tick.C:
		}
	}
}

// afterwards is what holds after every start.
func (k *killer) afterwards() {
	k.t.Helper()
	info := k.run(k.id, departure.StepInventory)
	if n := k.turnedOff(); n > 1 {
		k.t.Errorf("Find My Device was turned off %d times", n)
	}
	grants := map[string]bool{}
	for _, a := range info.Acts {
		if grants[a.Grant] {
			k.t.Errorf("one leave was used twice: %+v", info.Acts)
		}
		grants[a.Grant] = true
	}
	if len(k.accounts()) != 0 || info.Verdict.Checks == nil {
		return
	}
	// Signed out, and the password was in memory alone.
	k.blind = true
	c := k.wants(info, departure.ServerSeen, departure.Unknown, "cloud-last-seen")
	if c.Remedy == nil || c.Remedy.Code != "password" {
		k.t.Errorf("the remedy is %+v", c.Remedy)
	}
	if _, err := k.ask(k.id); err == nil {
		k.t.Error("a permit was given although the server was not asked")
	}
}

// help does what is asked of the person.
func (k *killer) help(info agent.DepartureInfo) {
	k.t.Helper()
	if c := k.check(info, departure.ServerSeen); c.Remedy != nil && c.Remedy.Code == "password" {
		k.ok(k.c.Credential(k.t.Context(), info.Departure.Account.ID, password))
		k.run(k.id, departure.StepTrack)
		return
	}
	k.answer(info)
}

// nothingLost holds the copy and the server against each other at the end.
func (k *killer) nothingLost() {
	k.t.Helper()
	info := k.now(k.id)
	if k.deviceOn() || k.turnedOff() != 1 || len(k.accounts()) != 0 {
		k.t.Errorf("Find My Device on %v, turned off %d times, accounts %v", k.deviceOn(), k.turnedOff(), k.accounts())
	}
	k.sha256sum(info)
	a := k.stage.Account
	for _, name := range a.Files() {
		if !k.copied(info, a.File(name)) {
			k.t.Errorf("%s is not in the copy", name)
		}
	}
	for _, name := range a.Contacts("contacts") {
		if !k.copied(info, a.Contact("contacts", name)) {
			k.t.Errorf("contact %s is not in the copy", name)
		}
	}
	for _, name := range a.Events("personal") {
		if !k.copied(info, a.Event("personal", name)) {
			k.t.Errorf("event %s is not in the copy", name)
		}
	}
	permit := k.permit(k.id)
	if _, err := k.redeem(permit.ID); err != nil {
		k.t.Error(err)
	}
}

// TestKilledWhileFindMyDeviceGoesOff: the intent was made durable, the device
// was asked, and the agent died before it was answered. What the device did is
// read back: done is done, and where nothing was changed only a new leave goes
// on.
func TestKilledWhileFindMyDeviceGoesOff(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 2})
	p.device()
	p.signIn()
	p.agent()
	id := p.leave(p.account(), departure.Delete)
	info := p.run(id, departure.StepVerify)
	p.say(info)

	intended := func(i agent.DepartureInfo) bool {
		return slices.ContainsFunc(i.Acts, func(a departure.Act) bool { return a.State == departure.ActIntended })
	}
	// The device cannot ask the server about the password.
	p.stage.Server.Inject(davtest.Fault{Method: "GET", Path: dav + "webdav/", Exact: true, Hold: true, Status: 503})
	p.authorise(id, password)
	_, err := p.c.Run(t.Context(), id, departure.StepTrack)
	p.ok(err)
	p.until("the intent is durable", id, intended)
	p.ok(p.stage.KillAgent())
	p.agent()
	info = p.run(id, departure.StepTrack)
	if !p.deviceOn() || p.turnedOff() != 0 || len(info.Acts) != 1 || info.Acts[0].State != departure.ActInterrupted {
		t.Errorf("on %v, turned off %d times, acts %+v", p.deviceOn(), p.turnedOff(), info.Acts)
	}
	p.wants(info, departure.FindMyDeviceOff, departure.Fail, "interrupted")
	p.wants(info, departure.AuthorizeGranted, departure.Fail, "grant-required")
	p.stage.Server.Heal()

	// The device did it, and the agent could not look any more.
	off, once := make(chan struct{}), sync.Once{}
	p.stage.Server.Inject(davtest.Fault{Method: "PROPFIND", Path: dav, Before: func() {
		if !p.deviceOn() {
			once.Do(func() { close(off) })
			<-t.Context().Done()
		}
	}})
	p.authorise(id, password)
	_, err = p.c.Run(t.Context(), id, departure.StepTrack)
	p.ok(err)
	select {
	case <-off:
	case <-time.After(patience):
		t.Fatalf("the device was never turned off: %+v", p.now(id).Verdict.Checks.Open())
	}
	if info := p.now(id); !intended(info) {
		t.Fatalf("the end of the act is known already: %+v", info.Acts)
	}
	p.ok(p.stage.KillAgent())
	p.stage.Server.Heal()
	p.agent()
	info = p.ready(id)
	if p.turnedOff() != 1 || p.deviceOn() {
		t.Errorf("on %v, turned off %d times", p.deviceOn(), p.turnedOff())
	}
	if len(info.Acts) != 3 || info.Acts[1].State != departure.ActDone {
		t.Errorf("acts %+v", info.Acts)
	}
}
