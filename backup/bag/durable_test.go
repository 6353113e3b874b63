package bag

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/disk/fault"
)

// remote is a file system that a sync as a whole does not reach to the disk.
type remote struct{ disk.Root }

func (remote) SyncsAll() bool { return false }

// Many files are made durable by one sync where that makes them so, and else one
// by one: before a line of the journal speaks of them.
func TestBatchIsDurableBeforeItsLines(t *testing.T) {
	for _, whole := range []bool{true, false} {
		var all, each, late atomic.Int64
		logged := false
		wrap := func(r disk.Root) disk.Root {
			if !whole {
				r = remote{r}
			}
			return fault.Wrap(r, func(op fault.Op, name string) error {
				switch {
				case op == fault.SyncAll:
					all.Add(1)
				case op == fault.Sync && strings.HasPrefix(name, tempDir):
					each.Add(1)
				case op == fault.Write && name == journalName:
					logged = true
				default:
					return nil
				}
				if logged && name != journalName {
					late.Add(1)
				}
				return nil
			})
		}
		b, err := Create(t.TempDir(), "copy", Options{Wrap: wrap})
		must(t, err)
		all.Store(0)
		each.Store(0)
		logged = false
		putMany(t, b, 0, 100)
		switch a, e := all.Load(), each.Load(); {
		case late.Load() > 0 || !logged:
			t.Errorf("%v: %d syncs after the line", whole, late.Load())
		case whole && (a != 1 || e != 1) || !whole && (a != 0 || e != 100):
			t.Errorf("%v: %d syncs of all, %d of one", whole, a, e)
		}
		must(t, b.Close())
	}
}
