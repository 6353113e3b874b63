package tasks

import (
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/source"
)

// TestBeside: what lies beside the photos fills up no number that a person
// counted.
func TestBeside(t *testing.T) {
	given := func(d departure.Dataset) departure.Source { return departure.Source{Dataset: d, Given: true} }
	for _, c := range []struct {
		src  departure.Source
		name string
		want bool
	}{
		{given(departure.Photos), "a.JPG", false},
		{given(departure.Photos), "a.mp4", false},
		{given(departure.Photos), "a.jpg.json", true},
		{given(departure.Photos), "Thumbs.db", true},
		{given(departure.Notes), "a.md", false},
		{given(departure.Notes), "a.png", true},
		{given(departure.Files), "a.png", false},
		{departure.Source{Dataset: departure.Photos, Fate: departure.Stays}, "Thumbs.db", false},
	} {
		if got := beside(c.src, &source.Item{Name: c.name}); got != c.want {
			t.Errorf("%s among the %s: %v", c.name, c.src.Dataset, got)
		}
	}
}
