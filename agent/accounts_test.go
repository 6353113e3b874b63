package agent_test

import (
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

func TestSources(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		_, err := d.s.AddSource(t.Context(), owner, world.Me.ID, "songs", "/x")
		_ = d.kind(err, agent.KindInvalid)
		_, err = d.s.AddSource(t.Context(), owner, "none", departure.Photos, "/x")
		_ = d.kind(err, agent.KindNotFound)
		id := d.start(departure.Delete).Departure.ID
		for range 2 {
			a, err := d.s.AddSource(t.Context(), owner, world.Me.ID, departure.Photos, "/export")
			d.ok(err)
			if len(a.Given) != 1 || len(d.info(id).Given) != 1 {
				t.Errorf("given %v, in the leaving %v", a.Given, d.info(id).Given)
			}
		}
		_, err = d.s.RemoveSource(t.Context(), owner, world.Me.ID, "none")
		_ = d.kind(err, agent.KindNotFound)
		a, err := d.s.RemoveSource(t.Context(), owner, world.Me.ID, world.GivenID)
		d.ok(err)
		if len(a.Given) != 0 || len(d.info(id).Given) != 0 {
			t.Errorf("given %v", a.Given)
		}
		_, err = d.s.SetDestination(t.Context(), owner, id, "/dev/shm")
		if told := d.kind(err, agent.KindInvalid); !strings.Contains(told.Text, "switched off") {
			t.Error(told.Text)
		}
	})
}

func TestDeclare(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		for _, c := range [][2]string{{"nowhere", "x"}, {"xiaomi", ""}, {"xiaomi", "a\nb"}, {"xiaomi", strings.Repeat("x", 201)}} {
			_, err := d.s.AddAccount(t.Context(), owner, c[0], c[1])
			_ = d.kind(err, agent.KindInvalid)
		}
		a, err := d.s.AddAccount(t.Context(), owner, "xiaomi", " 1926 ")
		d.ok(err)
		again, err := d.s.AddAccount(t.Context(), owner, "xiaomi", "1926")
		d.ok(err)
		if a.ID != again.ID || !a.Declared || a.Identity != "1926" {
			t.Errorf("%+v, %+v", a, again)
		}
		err = d.s.Credential(t.Context(), owner, a.ID, "x")
		_ = d.kind(err, agent.KindNotFound)
	})
}

func TestDevices(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.start(departure.Delete).Departure.ID
		attest := func(dev departure.Device) (agent.DepartureInfo, error) {
			return d.s.AttestDevice(t.Context(), owner, id, dev)
		}
		for _, bad := range []departure.Device{{Name: "phone", State: "eaten"}, {Name: "phone", State: departure.DeviceReported}, {}, {Name: strings.Repeat("x", 201)}} {
			_, err := attest(bad)
			_ = d.kind(err, agent.KindInvalid)
		}
		_, err := attest(departure.Device{ID: "device-7", State: departure.DeviceSold})
		_ = d.kind(err, agent.KindNotFound)
		info, err := attest(departure.Device{Name: "phone"})
		d.ok(err)
		if len(info.Devices) != 1 || info.Devices[0].ID == "" {
			t.Fatalf("%+v", info.Devices)
		}
		info, err = attest(departure.Device{ID: info.Devices[0].ID, State: departure.DeviceSold})
		d.ok(err)
		if info.Devices[0] != (departure.Device{ID: "device-1", Name: "phone", State: departure.DeviceSold}) {
			t.Errorf("%+v", info.Devices)
		}
	})
}
