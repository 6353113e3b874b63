package bag

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/disk"
)

func TestMark(t *testing.T) {
	dir := t.TempDir()
	b, err := Create(dir, "copy", Options{})
	must(t, err)
	if m, err := b.Mark(); err != nil || m != (Mark{}) {
		t.Errorf("%+v %v", m, err)
	}
	first := NewMark()
	must(t, b.SetMark(first))
	next := first.Next()
	if next.Copy != first.Copy || next.Run != first.Run+1 || next.Nonce == first.Nonce {
		t.Errorf("%+v after %+v", next, first)
	}
	must(t, b.SetMark(next))
	must(t, b.Close())
	// What a killed run left of one does not stand in the way.
	must(t, os.WriteFile(filepath.Join(dir, "copy", ".clearance", "mark.new"), []byte("{"), 0o600))
	b, err = Open(filepath.Join(dir, "copy"), Options{})
	must(t, err)
	if m, err := b.Mark(); err != nil || m != next {
		t.Errorf("%+v %v, want %+v", m, err, next)
	}
	must(t, b.SetMark(next.Next()))
	must(t, b.Close())
	if err := b.SetMark(first); err == nil {
		t.Error("a closed bag was marked")
	}
	must(t, os.WriteFile(filepath.Join(dir, "copy", ".clearance", "mark"), []byte("no mark"), 0o600))
	b, err = Open(filepath.Join(dir, "copy"), Options{})
	must(t, err)
	defer b.Close()
	if m, err := b.Mark(); err != nil || m != (Mark{}) {
		t.Errorf("%+v %v", m, err)
	}
}

func TestABagLiesOnTheDiskThatWasMeant(t *testing.T) {
	dir := t.TempDir()
	var st unix.Stat_t
	must(t, unix.Stat(dir, &st))
	_, err := Create(dir, "copy", Options{On: st.Dev + 1})
	var gone *DestinationError
	if !errors.As(err, &gone) || gone.Trouble != Gone || !errors.Is(err, disk.ErrElsewhere) {
		t.Errorf("%v", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("the folder beneath was written to: %v %v", names, err)
	}
	b, err := Create(dir, "copy", Options{On: st.Dev})
	must(t, err)
	must(t, b.Close())
	if _, err := Open(filepath.Join(dir, "copy"), Options{On: st.Dev + 1}); !errors.As(err, &gone) || gone.Trouble != Gone {
		t.Errorf("%v", err)
	}
}
