package departure_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
)

// TestKindsBeyondTheList: what a list cannot hold is on it as one, so that it
// grows and has to be read again.
func TestKindsBeyondTheList(t *testing.T) {
	var full []departure.SeenKind
	for i := range 200 {
		full = append(full, departure.SeenKind{ID: fmt.Sprintf("app-%03d", i), Name: "An app"})
	}
	list := departure.RememberKinds(nil, full)
	more := departure.RememberKinds(list, []departure.SeenKind{{ID: "zz", Name: "One more"}, {ID: "zzz", Name: "Two more"}})
	if len(list) != 200 || len(more) != 201 || !slices.Contains(more, departure.MoreKinds) {
		t.Fatalf("%d, then %d kinds", len(list), len(more))
	}
	var p departure.Profile
	if departure.LinesList("x", p.NotCovered(list)) == departure.LinesList("x", p.NotCovered(more)) {
		t.Error("what was read of the shorter list still counts")
	}
	if again := departure.RememberKinds(more, full); !slices.Equal(again, more) {
		t.Errorf("it changes by itself: %d kinds", len(again))
	}
}
