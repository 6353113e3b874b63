package tasks

import (
	"slices"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// TestKindsSeenAtTheServer: an app that the server gains is seen by the next
// look; one that serves what is copied is not told of twice.
func TestKindsSeenAtTheServer(t *testing.T) {
	d := newDesk(t)
	d.signIn(davtest.Content{Contacts: 1}, nil)
	if look := d.look(); len(look.Kinds) != 0 {
		t.Errorf("an ordinary server has %+v", look.Kinds)
	}
	d.server.SetApps("deck", "mail")
	var ids []string
	for _, k := range d.look().Kinds {
		ids = append(ids, k.ID)
	}
	if !slices.Equal(ids, []string{"app-deck", "app-mail"}) {
		t.Errorf("seen %v", ids)
	}
	must(t, d.server.Die())
	if look := d.look(); len(look.Kinds) != 0 || look.At.IsZero() {
		t.Errorf("a server that is away: %+v", look.Kinds)
	}
}

// TestMailOnThisDevice: a mail account that goes with a sign-in is something
// that the account holds.
func TestMailOnThisDevice(t *testing.T) {
	s := &survey{}
	bindings := []departure.Binding{{ID: "a", Goes: []departure.Vanishing{{What: "address book", Name: "x"}}},
		{ID: "b", Goes: []departure.Vanishing{{What: "mail account", Name: "alice"}}}}
	if got := s.kinds(t.Context(), bindings); !slices.Equal(got, []departure.SeenKind{{ID: "mail", Name: "Mail"}}) {
		t.Errorf("%+v", got)
	}
	if got := s.kinds(t.Context(), bindings[:1]); len(got) != 0 {
		t.Errorf("without mail: %+v", got)
	}
}
