package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/disk/fault"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, dir string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(dir)
	must(t, err)
	return l
}

func entry(i int) *ledger.Entry {
	return &ledger.Entry{
		Key: source.Key{Ref: source.Ref{Account: "a", Dataset: source.Photos, Source: "s"}, ID: fmt.Sprintf("dir/%d\xff", i)},
		Rev: fmt.Sprint("r", i), Size: int64(i), SHA256: sha256.Sum256(fmt.Append(nil, i)), Path: fmt.Sprint("data/", i),
		FirstSeen: time.Unix(1, int64(i)).UTC(), CopiedAt: time.Unix(2, 0).UTC(),
	}
}

func all(t testing.TB, l *ledger.Ledger) map[string]ledger.Entry {
	t.Helper()
	out := map[string]ledger.Entry{}
	for e, err := range l.All() {
		must(t, err)
		out[e.ID] = e
	}
	return out
}

func TestEverythingComesBack(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	stat := disk.Stat{Dev: 1, Ino: 2, Size: 3, MtimeNS: -4, CtimeNS: 5}
	at := time.Unix(9, 9).UTC()
	for i := range 3000 {
		must(t, l.Put(entry(i)))
	}
	for i := range 1000 {
		must(t, l.Verified(entry(i), at, stat))
	}
	must(t, l.Forget(&entry(7).Key))
	must(t, l.Fail(&ledger.Failure{Key: entry(9999).Key, Name: "n\xff", Reason: source.Special, Detail: "d", At: at}))
	digest, err := l.Digest()
	must(t, err)
	want := all(t, l)
	for range 2 { // once as it was left, once written anew
		must(t, l.Close())
		l = open(t, dir)
		if d := cmp.Diff(want, all(t, l), cmpopts.IgnoreUnexported(ledger.Entry{})); d != "" {
			t.Fatal(d)
		}
		if again, err := l.Digest(); err != nil || again != digest {
			t.Fatalf("digest %q, was %q: %v", again, digest, err)
		}
		if list, more := l.Failures(); len(list) != 1 || more != 0 || list[0].Name != "n\xff" {
			t.Fatalf("%+v", list)
		}
	}
	defer l.Close()
	e, ok, err := l.Get(&entry(5).Key)
	if err != nil || !ok || e.Stat != stat || !e.VerifiedAt.Equal(at) {
		t.Fatalf("%+v %v %v", e, ok, err)
	}
	if e, ok, err = l.ByContent(&entry(2000).SHA256); err != nil || !ok || e.Path != "data/2000" {
		t.Fatalf("%+v %v %v", e, ok, err)
	}
	if _, ok, err = l.ByContent(&entry(7).SHA256); err != nil || ok {
		t.Fatal("what was forgotten is found by its content")
	}
	states := map[ledger.State]bool{
		l.State(&entry(5).Key, "r5") - ledger.Held:     true,
		l.State(&entry(5).Key, "r6") - ledger.Changed:  true,
		l.State(&entry(7).Key, "r7") - ledger.Absent:   true,
		l.State(&entry(5000).Key, "x") - ledger.Absent: true,
	}
	if len(states) != 1 || !states[0] {
		t.Error(states)
	}
}

func TestVerificationOfAnOlderCopyDoesNotCount(t *testing.T) {
	l := open(t, t.TempDir())
	defer l.Close()
	old := entry(1)
	must(t, l.Put(old))
	fresh := *old
	fresh.Path, fresh.SHA256 = "data/1~2", [32]byte{9}
	must(t, l.Put(&fresh))
	must(t, l.Verified(old, time.Unix(5, 0), disk.Stat{}))
	e, _, err := l.Get(&old.Key)
	must(t, err)
	if !e.VerifiedAt.IsZero() {
		t.Error("it counts")
	}
}

// Whatever was done, and wherever the file was cut or a byte of it changed: what
// is read is a state that the ledger was in, and it can be written again.
func TestTornFileIsAnEarlierState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "ledger")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		l, err := ledger.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		digests := map[string]bool{}
		note := func() {
			d, err := l.Digest()
			if err != nil {
				t.Fatal(err)
			}
			digests[d] = true
		}
		note()
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			e := entry(rapid.IntRange(0, 8).Draw(t, "item"))
			e.Rev = fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "rev"))
			var err error
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				err = l.Forget(&e.Key)
			case 1:
				err = l.Verified(e, time.Unix(3, 0), disk.Stat{Ino: 1})
			default:
				err = l.Put(e)
			}
			if err != nil {
				t.Fatal(err)
			}
			note()
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, "ledger")
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		if rapid.Bool().Draw(t, "cut") || n < 19 {
			text = text[:n]
		} else {
			text[n] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if l, err = ledger.Open(dir); err != nil {
			t.Fatal(err)
		}
		d, err := l.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if !digests[d] {
			t.Fatal("it is in a state that it never was in")
		}
		if err := errors.Join(l.Put(entry(99)), l.Close()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFailedSyncEndsTheUse(t *testing.T) {
	dir := t.TempDir()
	under, err := disk.Open(dir)
	must(t, err)
	broken := false
	l, err := ledger.OpenRoot(fault.Wrap(under, func(op fault.Op, _ string) error {
		if broken && op == fault.Sync {
			return syscall.EIO
		}
		return nil
	}), dir)
	must(t, err)
	must(t, l.Put(entry(1)))
	must(t, l.Sync())
	broken = true
	must(t, l.Put(entry(2)))
	if err := l.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	broken = false
	if err := l.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("a failed sync was tried again: %v", err)
	}
	if err := l.Put(entry(3)); !errors.Is(err, syscall.EIO) {
		t.Errorf("it goes on: %v", err)
	}
	_ = l.Close()
	l = open(t, dir)
	defer l.Close()
	if l.State(&entry(1).Key, "r1") != ledger.Held {
		t.Error("what was durable is gone")
	}
}

func TestUnseen(t *testing.T) {
	l := open(t, t.TempDir())
	defer l.Close()
	for i := range 200 {
		must(t, l.Put(entry(i)))
	}
	s := l.NewSeen()
	for i := range 199 {
		if s.State(&entry(i).Key, entry(i).Rev) != ledger.Held {
			t.Fatal(i)
		}
	}
	n := 0
	for e, err := range s.Unseen() {
		must(t, err)
		if e.ID != entry(199).ID {
			t.Error(e.ID)
		}
		n++
	}
	if n != 1 {
		t.Error(n)
	}
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	l := open(f, dir)
	for i := range 3 {
		must(f, l.Put(entry(i)))
	}
	must(f, l.Verified(entry(1), time.Unix(1, 0), disk.Stat{Ino: 7}))
	must(f, l.Forget(&entry(2).Key))
	must(f, l.Close())
	text, err := os.ReadFile(filepath.Join(dir, "ledger"))
	must(f, err)
	f.Add(text)
	f.Add(bytes.Repeat(text[19:], 2))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "ledger"), append([]byte("clearance ledger 2\n"), text...), 0o600))
		l := open(t, dir)
		n := len(all(t, l))
		if n != l.Len() {
			t.Fatalf("%d listed, %d counted", n, l.Len())
		}
		must(t, l.Close())
	})
}
