package tasks

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// TestAFolderThatGivesNoAnswer: a person who names a folder on a server that is
// gone is told so, and waits no longer than a disk takes to spin up. No file
// system that hangs can be mounted without root: the call is held up instead.
func TestAFolderThatGivesNoAnswer(t *testing.T) {
	d := newDesk(t)
	at := d.folder("dead", nil)
	gone := make(chan struct{})
	t.Cleanup(func() { close(gone) }) // the call that was left behind ends
	d.patient = 50 * time.Millisecond
	d.stat = func(string) (os.FileInfo, error) { <-gone; return nil, os.ErrDeadlineExceeded }
	told := make(chan error, 1)
	go func() {
		_, err := d.InspectSource(t.Context(), departure.Photos, at, nil)
		told <- err
	}()
	select {
	case err := <-told:
		var refused *engine.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(refused.Text, "gives no answer") || !strings.Contains(refused.Text, at) {
			t.Errorf("%v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it waits on")
	}
}
