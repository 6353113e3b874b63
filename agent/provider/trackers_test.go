package provider

import (
	"fmt"
	"strings"
	"testing"
)

// TestLocalTrackers holds the built-in list to what is said of it: one is a
// tracker and has a profile, the others are information.
func TestLocalTrackers(t *testing.T) {
	c, err := Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]TrackerKind{}
	for _, tr := range LocalTrackers() {
		kinds[tr.ID] = tr.Kind
		if tr.Kind == DeviceTracker && !c.Lookup(tr.Provider).Known {
			t.Errorf("%s: %s has no profile, so nobody can say what became of its account", tr.ID, tr.Provider)
		}
		if tr.Kind == DeviceTracker && c.Lookup(tr.Provider).RunsNoTracker() {
			t.Errorf("%s: its provider runs no tracker", tr.ID)
		}
	}
	if kinds["prey"] != DeviceTracker || kinds["kde-connect"] != Information || kinds["geoclue"] != Information {
		t.Errorf("%v", kinds)
	}
}

func TestParseTrackersRefuses(t *testing.T) {
	entry := func(more string) string {
		return fmt.Sprintf(`{"version":1,"trackers":[{"id":"x","name":"X","text":"It finds.","source":"read in code","confidence":"H",%s}]}`, more)
	}
	good := `"kind":"tracker","provider":"p","units":["x.service"],"guide":["Unlink it."]`
	if _, err := parseTrackers([]byte(entry(good))); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"version":          strings.Replace(entry(good), `"version":1`, `"version":2`, 1),
		"text after":       entry(good) + "{}",
		"further field":    entry(good + `,"stop":true`),
		"no provider":      entry(`"kind":"tracker","units":["x.service"],"guide":["Unlink it."]`),
		"no guide":         entry(`"kind":"tracker","provider":"p","units":["x.service"]`),
		"no such kind":     entry(`"kind":"perhaps","units":["x.service"],"guide":[]`),
		"nothing to find":  entry(`"kind":"information"`),
		"unit of a path":   entry(`"kind":"information","units":["../x.service"]`),
		"pattern of units": entry(`"kind":"information","units":["*.service"]`),
		"relative path":    entry(`"kind":"information","paths":["etc/x"]`),
		"path with dots":   entry(`"kind":"information","paths":["/etc/../x"]`),
		"package":          entry(`"kind":"information","packages":["a/b"]`),
		"told of two":      entry(`"kind":"information","provider":"p","paths":["/x"]`),
	} {
		if list, err := parseTrackers([]byte(raw)); err == nil {
			t.Errorf("%s: read as %+v", name, list)
		}
	}
}
