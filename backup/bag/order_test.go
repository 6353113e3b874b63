package bag

import (
	"fmt"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/disk/fault"
)

// waiting is what a power cut could still take: files whose content, and folders
// whose names, were not made durable since they changed. It holds each call
// against what must be durable before it.
type waiting struct {
	mu             sync.Mutex
	files, folders map[string]bool
	early          []string
}

func (w *waiting) hook(op fault.Op, name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.judge(op, name)
	switch op {
	case fault.Write, fault.Truncate:
		w.files[name] = true
	case fault.Sync:
		delete(w.files, name)
	case fault.Create, fault.Rename, fault.Mkdir, fault.Remove:
		w.folders[path.Dir(name)] = true
		delete(w.files, name)
	case fault.SyncDir:
		delete(w.folders, name)
	case fault.SyncAll:
		clear(w.files)
		clear(w.folders)
	}
	return nil
}

func (w *waiting) judge(op fault.Op, name string) {
	switch {
	case op == fault.Write && name == journalName:
		w.want("a line that speaks of it", tempDir)
	case op == fault.Rename && strings.HasPrefix(name, "data/"):
		w.want("the renaming to "+name, journalName)
	case op == fault.Rename && name == foldDir:
		w.want("the new lists", foldNew, "data")
	case op == fault.Rename && name == tagName:
		w.want("the list of the lists", ".")
	case op == fault.Remove && name == journalName:
		w.want("the end of the journal", ".", ownDir, "data")
	}
}

// want notes what waits at or beneath some names (of ".": its own names alone)
// when something happens that it must be durable before.
func (w *waiting) want(before string, names ...string) {
	for _, all := range []map[string]bool{w.files, w.folders} {
		for have := range all {
			for _, name := range names {
				if have == name || name != ownDir && strings.HasPrefix(have, name+"/") {
					w.early = append(w.early, fmt.Sprintf("%s comes before %s is durable", before, have))
				}
			}
		}
	}
}

// TestEachStepIsDurableBeforeTheNext: content before the line that speaks of it,
// the line before its file has its name and before anyone is told, names before
// the lists that have them, the lists before the journal goes.
func TestEachStepIsDurableBeforeTheNext(t *testing.T) {
	for _, n := range []int{5, 100} {
		for _, whole := range []bool{true, false} {
			w := &waiting{files: map[string]bool{}, folders: map[string]bool{}}
			b, err := Create(t.TempDir(), "copy", Options{Wrap: func(r disk.Root) disk.Root {
				if !whole {
					r = remote{r}
				}
				return fault.Wrap(r, w.hook)
			}})
			must(t, err)
			for from := 0; from < 2*n; from += n {
				putMany(t, b, from, from+n)
				w.want("the word that it is kept", journalName)
				must(t, b.Fold(nil))
				w.want("the word that it is listed", ".", ownDir, "data")
			}
			must(t, b.Close())
			if len(w.early) > 0 {
				t.Errorf("%d at once, %v: %d, such as %s", n, whole, len(w.early), w.early[0])
			}
		}
	}
}
