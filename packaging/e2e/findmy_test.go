package e2e

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// squatter answers on a bus as if it were Find My Device, and off.
type squatter struct{ asked atomic.Int64 }

func (s *squatter) Get(string, string) (dbus.Variant, *dbus.Error) {
	s.asked.Add(1)
	return dbus.MakeVariant("off"), nil
}

func (s *squatter) GetAll(string) (map[string]dbus.Variant, *dbus.Error) {
	s.asked.Add(1)
	return map[string]dbus.Variant{
		"State": dbus.MakeVariant("off"), "Provider": dbus.MakeVariant("nextcloud"), "ConfirmedBy": dbus.MakeVariant("me"),
	}, nil
}

func (s *squatter) Disable(map[string]dbus.Variant) (map[string]dbus.Variant, *dbus.Error) {
	s.asked.Add(1)
	return map[string]dbus.Variant{"result": dbus.MakeVariant("ok"), "text": dbus.MakeVariant("")}, nil
}

// TestSquatterAndWrongPassword: a program of the person's own session that says
// "off" is not asked, and the person's wrong password leaves Find My Device on.
func TestSquatterAndWrongPassword(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 2})
	p.device()
	squat := &squatter{}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := p.stage.Session.Dial(ctx)
	p.ok(err)
	t.Cleanup(func() { p.ok(conn.Close()) })
	const name, path = "org.clearance.FindMyDevice1.Evil", "/org/clearance/FindMyDevice1"
	p.ok(conn.Export(squat, path, "org.freedesktop.DBus.Properties"))
	p.ok(conn.Export(squat, path, "org.clearance.FindMyDevice1"))
	got, err := conn.RequestName(name, dbus.NameFlagDoNotQueue)
	if p.ok(err); got != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("the squatter has no name: %v", got)
	}
	p.signIn()
	p.agent()
	id := p.leave(p.account(), departure.Delete)

	info := p.run(id, departure.StepTrack)
	p.wants(info, departure.FindMyDeviceOff, departure.Fail, "on")
	if len(info.Trackers) != 1 || info.Trackers[0].Name != "org.clearance.FindMyDevice1.Demo" || info.Trackers[0].State != departure.TrackerOn {
		t.Errorf("seen: %+v", info.Trackers)
	}

	for range 3 { // all that is asked, with a wrong password each time
		p.say(info)
		p.authorise(id, "not the password")
		info = p.run(id, departure.StepTrack)
		if len(info.Acts) > 0 {
			break
		}
	}
	c := p.wants(info, departure.FindMyDeviceOff, departure.Fail, "interrupted")
	if c.Remedy == nil || c.Remedy.Code != "authorise" {
		t.Errorf("the remedy is %+v", c.Remedy)
	}
	if !strings.Contains(c.Reason.Text, "did not accept that password") {
		t.Errorf("the person is told %q", c.Reason.Text)
	}
	if !p.deviceOn() || p.turnedOff() != 0 || len(p.accounts()) != 1 {
		t.Errorf("on %v, turned off %d times, accounts %v", p.deviceOn(), p.turnedOff(), p.accounts())
	}
	if len(info.Acts) != 1 || info.Acts[0].State != departure.ActInterrupted {
		t.Errorf("acts: %+v", info.Acts)
	}

	info = p.ready(id)
	if p.deviceOn() || p.turnedOff() != 1 || len(p.accounts()) != 0 {
		t.Errorf("on %v, turned off %d times, accounts %v", p.deviceOn(), p.turnedOff(), p.accounts())
	}
	if n := squat.asked.Load(); n != 0 {
		t.Errorf("the squatter was asked %d times", n)
	}
	if !info.Verdict.Simulated {
		t.Error("a simulator took part, and the verdict does not say so")
	}
}
