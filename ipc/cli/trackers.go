package cli

import (
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
)

// showTrackersHere tells of the programs of this device that can find it: first
// those that tie it to an account, with how it is unlinked there.
func (s *session) showTrackersHere(here []departure.LocalTracker) {
	for _, t := range here {
		if t.Provider != "" {
			s.para("Find My Device: ", t.Line().Text)
		}
	}
	for _, t := range here {
		if t.Provider == "" {
			s.para("Good to know: ", t.Name+" is on this device ("+strings.Join(t.Found, ", ")+"). "+t.Text)
		}
	}
}
