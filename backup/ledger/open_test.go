package ledger_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
)

// testdata/ledger-1 was written by the first version: items 0 to 4, 1 read back,
// 2 forgotten, 9 failed, the failure of 8 cleared.
func TestTheFirstVersionIsRead(t *testing.T) {
	text, err := os.ReadFile("testdata/ledger-1")
	must(t, err)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "ledger"), text, 0o600))
	l := open(t, dir)
	for range 2 {
		if d, err := l.Digest(); err != nil || d != "d2d24245ac74a0a3b081b45eddc27fcf6dd9fff61704237aa75ce1187cedbb97" {
			t.Fatalf("digest %s: %v", d, err)
		}
		if l.Len() != 4 || l.Dropped() != 0 || l.State(&entry(2).Key, "r2") != ledger.Absent || l.State(&entry(3).Key, "r3") != ledger.Held {
			t.Fatalf("%d items, %d bytes dropped", l.Len(), l.Dropped())
		}
		if e := get(t, l, 1); e.Stat != (disk.Stat{Dev: 1, Ino: 2, Size: 1, MtimeNS: -4, CtimeNS: 5}) || !e.VerifiedAt.Equal(time.Unix(9, 9)) {
			t.Fatalf("%+v", e)
		}
		if list, more := l.Failures(); len(list) != 1 || more != 0 || list[0].ID != entry(9).ID {
			t.Fatalf("%+v", list)
		}
		l = reopen(t, l, dir)
	}
	must(t, l.Close())
	if text, err = os.ReadFile(filepath.Join(dir, "ledger")); err != nil || string(text[:19]) != "clearance ledger 2\n" {
		t.Errorf("it was not written anew: %.19q %v", text, err)
	}
}

func TestWhatIsNoListIsLeftAlone(t *testing.T) {
	for _, text := range []string{"clearance ledger 3\nmore of it", "something else, quite long"} {
		dir := t.TempDir()
		name := filepath.Join(dir, "ledger")
		must(t, os.WriteFile(name, []byte(text), 0o600))
		if _, err := ledger.Open(dir); err == nil {
			t.Errorf("%q was opened", text)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Errorf("%q became %q: %v", text, got, err)
		}
	}
}

// A list that is rolled back to an older one has another digest than the one that
// was kept of it.
func TestRolledBackListHasAnotherDigest(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	must(t, l.Put(entry(1)))
	must(t, l.Close())
	old, err := os.ReadFile(filepath.Join(dir, "ledger"))
	must(t, err)
	l = open(t, dir)
	must(t, l.Put(entry(2)))
	kept, err := l.Digest()
	must(t, err)
	must(t, l.Close())
	must(t, os.WriteFile(filepath.Join(dir, "ledger"), old, 0o600))
	l = open(t, dir)
	defer l.Close()
	if d, err := l.Digest(); err != nil || d == kept {
		t.Errorf("digest %s: %v", d, err)
	}
}

// A torn end that held nothing but what was found wrong in an item makes another
// list too: the item would look right.
func TestAListThatLostAFindingHasAnotherDigest(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	must(t, l.Put(entry(1)))
	must(t, l.Verified(entry(1), time.Unix(5, 0), disk.Stat{}))
	sound, err := l.Digest()
	must(t, err)
	must(t, l.Sync())
	before, err := os.Stat(filepath.Join(dir, "ledger"))
	must(t, err)
	must(t, l.Fail(&ledger.Failure{Key: entry(1).Key, Reason: ledger.NotParsed, At: time.Unix(6, 0)}))
	kept, err := l.Digest()
	must(t, err)
	l = reopen(t, l, dir)
	if d, err := l.Digest(); err != nil || d != kept || d == sound {
		t.Errorf("digest %s, was %s, %s without the finding: %v", d, kept, sound, err)
	}
	// It goes with the finding, and by no failure of another sort.
	must(t, l.ClearFailure(&entry(1).Key))
	must(t, l.Fail(&ledger.Failure{Key: entry(2).Key, Reason: "unreadable", At: time.Unix(6, 0)}))
	if d, err := l.Digest(); err != nil || d != sound {
		t.Errorf("digest %s, want %s: %v", d, sound, err)
	}
	must(t, l.Fail(&ledger.Failure{Key: entry(1).Key, Reason: ledger.NotParsed, At: time.Unix(7, 0)}))
	must(t, l.Close())
	must(t, os.Truncate(filepath.Join(dir, "ledger"), before.Size()+3))
	l = open(t, dir)
	defer l.Close()
	if _, found := l.Failure(&entry(1).Key); found || l.Dropped() == 0 {
		t.Fatalf("the finding is there; dropped %d bytes", l.Dropped())
	}
	if d, err := l.Digest(); err != nil || d == kept {
		t.Errorf("nobody can tell: %v", err)
	}
}

func TestClosedWhileItIsRead(t *testing.T) {
	l := open(t, t.TempDir())
	for i := range 10 {
		must(t, l.Put(entry(i)))
	}
	seen := l.NewSeen()
	n := 0
	for _, err := range l.All() {
		if n++; n == 3 {
			must(t, l.Close())
		}
		if (err != nil) != (n == 4) || err != nil && !errors.Is(err, fs.ErrClosed) {
			t.Fatalf("entry %d: %v", n, err)
		}
	}
	if n != 4 {
		t.Errorf("it ended after %d", n)
	}
	if l.State(&entry(1).Key, "r1") != ledger.Absent || seen.State(&entry(1).Key, "r1") != ledger.Absent {
		t.Error("what is closed holds something")
	}
}

// Updates scatter the records of neighbours over the file.
func TestScatteredRecordsAreReadInTheOrderOfListing(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	defer func() { _ = l.Close() }()
	const n = 5000
	for i := range n {
		must(t, l.Put(entry(i)))
	}
	for i := n - 1; i >= 0; i -= 3 {
		e := entry(i)
		e.Rev = "new"
		must(t, l.Put(e))
		must(t, l.Verified(e, time.Unix(1, 0), disk.Stat{Ino: uint64(i)}))
	}
	var ids []string
	for e, err := range l.All() {
		must(t, err)
		i := len(ids)
		if updated := (n-1-i)%3 == 0; updated != (e.Rev == "new") || updated != (e.Stat.Ino == uint64(i) && i > 0) && i > 0 {
			t.Fatalf("%d: %+v", i, e)
		}
		ids = append(ids, e.ID)
	}
	var want []string
	for i := range n {
		want = append(want, entry(i).ID)
	}
	if !slices.Equal(ids, want) {
		t.Error("another order")
	}
}

// The bar is 100 MB for a million items and whatever else a run needs: 60 bytes
// an item leave it 40. BenchmarkMillion measures the whole.
func TestMemoryOfAnItem(t *testing.T) {
	if raceDetector { // which multiplies what is measured
		out, err := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-run", "^"+t.Name()+"$", ".").CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	const n, collector = 250_000, 8
	dir := t.TempDir()
	forget(t)
	before := peak(t)
	fill(t, dir, n, false)
	l := open(t, dir)
	defer l.Close()
	_, err := l.Digest()
	must(t, err)
	if took := peak(t) - before; l.Len() != n || took > n*60/1e6+collector {
		t.Errorf("%d items took %.0f MB", l.Len(), took)
	}
}
