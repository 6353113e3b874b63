package bindingtest_test

import (
	"context"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
)

// TestContractBindings holds the place in memory to the port, as one that is
// removed by us and as one that only the person can remove.
func TestContractBindings(t *testing.T) {
	t.Run("fake", func(t *testing.T) { bindingtest.Run(t, func(*testing.T) *bindingtest.Rig { return fake(false) }) })
	t.Run("guided fake", func(t *testing.T) { bindingtest.Run(t, func(*testing.T) *bindingtest.Rig { return fake(true) }) })
}

func fake(guided bool) *bindingtest.Rig {
	f := &bindingtest.Fake{}
	alice, bob := binding.Who{Type: "owncloud", User: "alice", Host: "cloud.example"}, binding.Who{Type: "owncloud", User: "bob", Host: "other.example"}
	entry := binding.Entry{Who: alice, Carries: true, Folders: []string{"/home/alice/Cloud"}, Goes: []departure.Vanishing{{What: "address book", Name: "Work", Items: 3}}}
	if guided {
		entry.Guided, entry.Why = true, departure.Reason{Code: "by-hand", Text: "only you can sign out there"}
		entry.Blocked = &departure.Remedy{Code: "by-hand", Text: "sign out there"}
	}
	var id string
	rig := &bindingtest.Rig{
		Place: f, Who: alice, OtherWho: bob, Secrets: []string{"hunter2"},
		SignIn:      func(context.Context, *testing.T) { id = f.SignIn(entry).ID },
		Other:       func(context.Context, *testing.T) { f.SignIn(binding.Entry{Who: bob}) },
		ByHand:      func(context.Context, *testing.T) { f.SignOut(id) },
		LeaveBehind: func(context.Context, *testing.T) { f.SignOut(id, binding.Left{Where: "keyring", Name: "1"}) },
		Break:       func(context.Context, *testing.T) { f.Break() },
	}
	if guided {
		return rig
	}
	rig.Block = func(context.Context, *testing.T) func() {
		f.Change(id, func(e *binding.Entry) {
			unlock := binding.Unlock()
			e.Why, e.Blocked = departure.Reason{Code: "keyring-locked", Text: "the keyring is locked"}, &unlock
		})
		return func() { f.Change(id, func(e *binding.Entry) { e.Why, e.Blocked = departure.Reason{}, nil }) }
	}
	return rig
}
