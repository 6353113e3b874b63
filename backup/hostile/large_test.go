package hostile

import (
	"errors"
	"os"
	"testing"

	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/restore"
)

// TestBeyondFourGigabytes copies and restores a film of five: three writings and
// readings of all of it, which is more than a test of every day should do.
func TestBeyondFourGigabytes(t *testing.T) {
	if os.Getenv("CLEARANCE_TEST_LARGE") == "" {
		t.Skip("SKIPPED: writes 10 GB; set CLEARANCE_TEST_LARGE=1 to run it")
	}
	const size = 5<<30 + 1
	h := newHome(t)
	huge(h, "film.mkv", size)
	f, err := os.OpenFile(h.src+"/film.mkv", os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("the end"), size-7)
	must(t, errors.Join(err, f.Close()))
	if r, err := h.copy(); err != nil || r.Outcome != copy.Complete || r.Bytes != size {
		t.Fatalf("%v, %+v", err, r)
	}
	h.whole()
	if r, err := h.restore(); err != nil || r.Outcome != restore.Complete {
		t.Fatalf("%v, %+v", err, r)
	}
	st, err := os.Stat(h.target() + "/photos/Pictures/film.mkv")
	if must(t, err); st.Size() != size {
		t.Errorf("%d bytes came back", st.Size())
	}
}
