package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

func reopen(t testing.TB, l *ledger.Ledger, dir string) *ledger.Ledger {
	t.Helper()
	must(t, l.Close())
	return open(t, dir)
}

func get(t testing.TB, l *ledger.Ledger, i int) ledger.Entry {
	t.Helper()
	e, ok, err := l.Get(&entry(i).Key)
	must(t, err)
	if !ok {
		t.Fatalf("item %d is not listed", i)
	}
	return e
}

// unclosed opens what a killed writer left: the list is then written anew.
func unclosed(t *testing.T, l *ledger.Ledger, dir string) (*ledger.Ledger, string) {
	t.Helper()
	must(t, l.Sync())
	text, err := os.ReadFile(filepath.Join(dir, "ledger"))
	must(t, err)
	other := t.TempDir()
	must(t, os.WriteFile(filepath.Join(other, "ledger"), text, 0o600))
	_ = l.Close()
	return open(t, other), other
}

func TestReadBackElsewhereDoesNotCountHere(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	here, there := ledger.Destination{Disk: "d1", Bag: "b"}, ledger.Destination{Disk: "d2", Bag: "b"}
	must(t, l.ReadFrom(here))
	at, stat := time.Unix(7, 0).UTC(), disk.Stat{Ino: 3}
	for i := range 3 {
		must(t, l.Put(entry(i)))
		must(t, l.Verified(entry(i), at, stat))
	}
	must(t, l.ReadFrom(here))
	if e := get(t, l, 1); !e.VerifiedAt.Equal(at) {
		t.Fatal("the same place voids it")
	}
	l, dir = unclosed(t, reopen(t, l, dir), dir) // the readings are now in the items' own records
	if e := get(t, l, 1); !e.VerifiedAt.Equal(at) {
		t.Fatal("opening voids it")
	}
	must(t, l.ReadFrom(there))
	must(t, l.Verified(entry(2), at, stat))
	check := func(when string) {
		t.Helper()
		if e := get(t, l, 1); !e.VerifiedAt.IsZero() || e.Stat != (disk.Stat{}) {
			t.Errorf("%s: what was read on another disk counts: %+v", when, e)
		}
		if e := get(t, l, 2); !e.VerifiedAt.Equal(at) || e.Stat != stat {
			t.Errorf("%s: what was read here does not count: %+v", when, e)
		}
	}
	check("at once")
	l, _ = unclosed(t, l, dir)
	defer func() { _ = l.Close() }()
	check("after a kill")
}

func TestHowAReadingEndedIsKept(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	if l.LastReading() != (ledger.Reading{}) {
		t.Fatal("there was none")
	}
	r := ledger.Reading{
		At: ledger.Destination{Disk: "d", Bag: "b"}, Began: time.Unix(1, 1).UTC(), Ended: time.Unix(2, 2).UTC(),
		Items: 1, Bytes: 2, Direct: 3, Dropped: 4, Stood: 5, Wrong: 6,
	}
	must(t, l.ReadEnd(r))
	for range 2 {
		l = reopen(t, l, dir)
		if got := l.LastReading(); got != r {
			t.Fatalf("%+v", got)
		}
	}
	l, _ = unclosed(t, l, dir)
	defer l.Close()
	if got := l.LastReading(); got != r {
		t.Fatalf("%+v", got)
	}
}

func TestVerifiedOfAnItemListedAnewMeanwhile(t *testing.T) {
	l := open(t, t.TempDir())
	defer l.Close()
	must(t, l.Put(entry(1)))
	e := get(t, l, 1)
	fresh := *entry(1)
	fresh.Path, fresh.SHA256 = "data/1~2", [32]byte{9}
	must(t, l.Put(&fresh))
	must(t, l.Verified(&e, time.Unix(5, 0), disk.Stat{}))
	if e := get(t, l, 1); !e.VerifiedAt.IsZero() {
		t.Error("the reading of the older copy counts for the newer one")
	}
	e = get(t, l, 1)
	must(t, l.Verified(&e, time.Unix(5, 0), disk.Stat{}))
	if e := get(t, l, 1); e.VerifiedAt.IsZero() {
		t.Error("it does not count")
	}
}

// What is said of an item's content goes with the content alone.
func TestNotParsedStaysWithItsContent(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	odd := func(i int) *ledger.Failure {
		return &ledger.Failure{Key: entry(i).Key, Reason: ledger.NotParsed, At: time.Unix(1, 0)}
	}
	for i := range 3 {
		must(t, l.Put(entry(i)))
		must(t, l.Fail(odd(i)))
		must(t, l.Verified(entry(i), time.Unix(5, 0), disk.Stat{}))
	}
	touched := get(t, l, 0) // another revision, the same content: it is not read back again
	touched.Rev = "touched"
	must(t, l.Put(&touched))
	must(t, l.Put(entry(1))) // copied anew: it will be read back
	must(t, l.Distrust(&entry(2).Key))
	for range 2 {
		for i, want := range []bool{true, false, true} {
			if _, is := l.Failure(&entry(i).Key); is != want {
				t.Errorf("item %d: listed as not parsed: %v, want %v", i, is, want)
			}
		}
		l = reopen(t, l, dir)
	}
	_ = l.Close()
}

func TestNotParsedBeyondWhatIsNamedIsRefused(t *testing.T) {
	l := open(t, t.TempDir())
	defer l.Close()
	f := ledger.Failure{Key: entry(0).Key, Reason: source.Special}
	for i := range ledger.MaxFailures {
		f.Key.ID = string(rune('a'+i%26)) + string(rune(0x4e00+i/26))
		must(t, l.Fail(&f))
	}
	f.Key.ID = "one more"
	must(t, l.Fail(&f))
	if list, more := l.Failures(); len(list) != ledger.MaxFailures || more != 1 {
		t.Fatalf("%d named, %d more", len(list), more)
	}
	f.Reason = ledger.NotParsed
	if err := l.Fail(&f); !errors.Is(err, ledger.ErrFull) {
		t.Errorf("it would look right: %v", err)
	}
}
