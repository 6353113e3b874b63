package restore_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/disk/fault"
	"github.com/clearance-project/clearance/backup/restore"
)

const theirs = "what somebody else wrote meanwhile"

// quicker takes each name just before a restore does.
type quicker struct {
	disk.Root
	dir string
	mu  sync.Mutex
	got []string
}

func (q *quicker) Place(from, to string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !strings.Contains(to, "~restored-") {
		if err := os.WriteFile(q.dir+"/"+to, []byte(theirs), 0o600); err != nil {
			return err
		}
		q.got = append(q.got, to)
	}
	return q.Root.Place(from, to)
}

func TestANameThatIsTakenMeanwhileIsLeft(t *testing.T) {
	w := newCopy(t, album()...)
	q := &quicker{dir: w.target()}
	f, err := restore.NewFolder(w.target(), restore.FolderOptions{Wrap: func(r disk.Root) disk.Root { q.Root = r; return q }})
	must(t, err)
	r := w.restore(f, restore.Selection{}, restore.Options{})
	if r.Outcome != restore.Complete || r.All.Beside != len(albumTree) || len(q.got) != len(albumTree) {
		t.Errorf("%+v", r.All)
	}
	got := tree(t, w.target())
	for name := range albumTree {
		if got[name] != theirs {
			t.Errorf("%s became %q", name, got[name])
		}
	}
}

func TestAFileThatComesMeanwhileIsLeft(t *testing.T) {
	w := newCopy(t, folk()...)
	q := &quicker{dir: w.dir + "/home"}
	f, err := restore.NewFile(w.dir+"/home/all.vcf", restore.FolderOptions{Wrap: func(r disk.Root) disk.Root { q.Root = r; return q }})
	must(t, err)
	r, err := restore.Run(context.Background(), w.reader(), f, restore.Selection{}, restore.Options{})
	if !errors.Is(err, fs.ErrExist) || r.Outcome != restore.Stopped {
		t.Errorf("%v, %s", err, r.Outcome)
	}
	if got := tree(t, w.dir+"/home"); got["all.vcf"] != theirs {
		t.Errorf("%q", got)
	}
}

// TestAnotherFileOfTheSameSizeIsNotTheSame: a name and a length prove nothing.
func TestAnotherFileOfTheSameSizeIsNotTheSame(t *testing.T) {
	w := newCopy(t, album()...)
	mine := strings.ToUpper(sea)
	must(t, os.MkdirAll(w.target()+"/photos/server/Photos/2024", 0o700), os.WriteFile(w.target()+"/photos/server/Photos/2024/sea.jpg", []byte(mine), 0o600))
	r := w.restore(w.folder(), restore.Selection{}, restore.Options{})
	if r.All.Beside != 1 || r.All.Already != 0 || r.All.Written != len(albumTree) {
		t.Errorf("%+v", r.All)
	}
	got := tree(t, w.target())
	beside := 0
	for name, text := range got {
		if strings.HasPrefix(name, "photos/server/Photos/2024/sea~restored-") && text == sea {
			beside++
		}
	}
	if got["photos/server/Photos/2024/sea.jpg"] != mine || beside != 1 {
		t.Errorf("%q", got)
	}
}

// calls notes what a target asks of its disk.
type calls struct {
	mu   sync.Mutex
	list []string
}

func (c *calls) wrap(r disk.Root) disk.Root {
	return fault.Wrap(r, func(op fault.Op, _ string) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.list = append(c.list, string(op))
		return nil
	})
}

func (c *calls) last(op fault.Op) int {
	for i, have := range slices.Backward(c.list) {
		if have == string(op) {
			return i
		}
	}
	return -1
}

// TestWhatIsRestoredIsDurable: what was said to be there is there after a power
// cut, and a file has its name only once its content is durable.
func TestWhatIsRestoredIsDurable(t *testing.T) {
	w := newCopy(t, append(album(), folk()...)...)
	var c calls
	folder, err := restore.NewFolder(w.target(), restore.FolderOptions{Wrap: c.wrap})
	must(t, err)
	w.restore(folder, restore.Selection{}, restore.Options{})
	if c.last(fault.SyncAll) < c.last(fault.Rename) {
		t.Errorf("a folder: %v", c.list)
	}
	c.list = nil
	file, err := restore.NewFile(w.dir+"/home/all.vcf", restore.FolderOptions{Wrap: c.wrap})
	must(t, err)
	w.restore(file, restore.Selection{}, restore.Options{})
	order := []int{c.last(fault.Write), c.last(fault.Sync), c.last(fault.Rename), c.last(fault.SyncDir)}
	if order[0] < 0 || !slices.IsSorted(order) {
		t.Errorf("a file: %v", c.list)
	}
}

// TestProgressIsTold: item by item, to the end of what was announced.
func TestProgressIsTold(t *testing.T) {
	w := newCopy(t, album()...)
	var told []restore.Progress
	w.restore(w.folder(), restore.Selection{}, restore.Options{Progress: func(p restore.Progress) { told = append(told, p) }})
	if len(told) != len(albumTree)+1 {
		t.Fatalf("%+v", told)
	}
	for i, p := range told {
		if p.Done != i || p.Total != len(albumTree) || p.TotalBytes != told[0].TotalBytes || i > 0 && p.Bytes < told[i-1].Bytes {
			t.Errorf("%d: %+v", i, p)
		}
	}
	if end := told[len(told)-1]; end.Bytes != end.TotalBytes || end.Bytes == 0 {
		t.Errorf("%+v", end)
	}
}
