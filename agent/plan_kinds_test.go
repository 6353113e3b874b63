package agent

import (
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
)

// TestAReasonNamesItsSourceOnce: many a reason says itself what it is about.
func TestAReasonNamesItsSourceOnce(t *testing.T) {
	const export = "/home/alice/Downloads/takeout-001.zip"
	for _, why := range []string{export + " is not whole: part 2 is missing", "part 2 is missing"} {
		var k PlanKind
		count(&k, PlanClass{Dataset: departure.Photos, Sources: []departure.Listing{
			{Source: departure.Source{Name: export, Dataset: departure.Photos, Given: true}, Why: departure.Reason{Code: "parts", Text: why}},
		}}, true)
		if strings.Count(k.Why, export) != 1 || !strings.HasSuffix(k.Why, "part 2 is missing") || k.Cover != CoverNotKnown {
			t.Errorf("%+v", k)
		}
	}
}
