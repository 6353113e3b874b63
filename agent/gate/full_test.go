package gate_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/gate"
)

// TestPermitsListTheServerInFull: what the watch only glances at for the display
// is listed in full, every time, before anything is given away.
func TestPermitsListTheServerInFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, rules := world.New(), &world.Rules{Needs: departure.Web}
		w.Live = true
		ctx, cancel := context.WithCancel(context.Background())
		a := &agent{w: w, rules: rules, e: engine.New(w.Config(rules)), cancel: cancel}
		a.g = gate.New(gate.Config{Engine: a.e, Signer: a, Secret: []byte("secret"), BootID: "boot", Closed: func() string { return "" }})
		if err := a.e.Start(ctx); err != nil {
			t.Fatal(err)
		}
		defer a.stop()
		id, err := a.open(departure.Delete, world.Me)
		if err != nil {
			t.Fatal(err)
		}
		reach(t, a, id, ready)
		synctest.Wait()
		lists := func() (n int) { w.Do(func() { n = w.Calls["List"] }); return n }
		<-time.After(2 * time.Minute)
		synctest.Wait()
		before := lists()
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if n := lists() - before; n != 0 {
			t.Fatalf("the watch made %d listings", n)
		}
		kinds := len(departure.Datasets)
		p := issue(t, a, id, "shop")
		if n := lists() - before; n != kinds {
			t.Errorf("issued after %d listings, want %d", n, kinds)
		}
		// The watch goes on by glances, which take no permit back.
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if n := lists() - before; n != kinds {
			t.Errorf("the watch made %d listings", n-kinds)
		}
		if _, _, err := a.g.Redeem(ctx, p.ID, second); err != nil {
			t.Fatal(err)
		}
		if n := lists() - before; n != 2*kinds {
			t.Errorf("redeemed after %d listings, want %d", n-kinds, kinds)
		}
	})
}
