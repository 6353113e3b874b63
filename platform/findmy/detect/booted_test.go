package detect_test

import (
	"os"
	"slices"
	"testing"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/findmy/detect"
)

// TestBooted asks a real systemd: packaging/boot runs it in a system that it
// boots, as root and as a person, where a unit of Prey's name is masked.
func TestBooted(t *testing.T) {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		t.Skip("this system was not booted by systemd: packaging/boot runs this test in one that is")
	}
	if _, err := os.Lstat("/etc/systemd/system/prey-agent.service"); err != nil {
		t.Skip("there is no unit of Prey's: packaging/boot makes one")
	}
	c, err := bus.Open(t.Context(), bus.Options{Address: bus.SystemAddress()})
	must(t, err)
	t.Cleanup(c.Close)
	prey := find(detect.New(detect.Options{Bus: c}).Look(t.Context()), "prey")
	if prey == nil || !slices.Contains(prey.Found, "service prey-agent.service, masked") || prey.Unsure != "" {
		t.Errorf("%+v", prey)
	}
}
