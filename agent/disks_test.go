package agent_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/policy"
)

// ejector notes what it is to take away.
type ejector struct{ asked []engine.Destination }

func (e *ejector) List(context.Context) ([]engine.Disk, error) { return nil, nil }

func (e *ejector) Eject(_ context.Context, d engine.Destination) (engine.Ejected, error) {
	e.asked = append(e.asked, d)
	return engine.Ejected{Label: "Photos", Off: true}, nil
}

// TestTheDiskOfAClosedLeavingIsEjectedByItsName: nobody looks at its copy any
// more, and another disk may be where it was.
func TestTheDiskOfAClosedLeavingIsEjectedByItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, disks := world.New(), &ejector{}
		w.Live = true
		d := &desk{t: t, w: w, s: agent.NewService(agent.Config{
			Version: "1.2.3", Store: w.Storage(), Worker: w.Worker(), Tracker: w.Phone(), Clock: w.Clock(), Disks: disks,
			Profiles: profiles(t), Rules: policy.Default(), Assured: departure.AssuredPersonal,
			Health: func() departure.Health { return departure.Health{Buses: true, Store: true, Clock: true} },
			Signer: plain{}, JWKS: func() ([]byte, error) { return []byte("{}"), nil }, Secret: []byte("secret"), BootID: "boot",
			Closed: func() string { return "" }, Doctor: func(context.Context) []agent.DoctorEntry { return nil },
			Fault: func(string, string) {},
		})}
		d.ok(d.s.Start(t.Context()))
		defer d.s.Close()
		id := d.leave(departure.Delete)
		chosen := d.info(id).Destination
		if chosen.Disk == "" {
			t.Fatalf("%+v", chosen)
		}
		d.job(d.s.Eject(t.Context(), owner, id))
		_, err := d.s.Cancel(t.Context(), owner, id, true, "right")
		d.ok(err)
		d.job(d.s.Eject(t.Context(), owner, id))
		if len(disks.asked) != 2 || disks.asked[0].Disk != "" || disks.asked[1].Disk != chosen.Disk || disks.asked[1].Folder != chosen.Folder {
			t.Errorf("asked for %+v", disks.asked)
		}
	})
}
