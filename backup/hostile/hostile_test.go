package hostile

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

func TestMain(m *testing.M) {
	if what := os.Getenv(serving); what != "" {
		if err := serve(what); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(asOther) != "" {
		m.Run() // as a user whose leaks its parent does not see
		return
	}
	goleak.VerifyTestMain(m)
}

// hostile is one thing that is against us.
type hostile struct {
	name string
	// tree makes the source hostile.
	tree func(h *home)
	// lies are what a mounted file system tells; its case mounts it.
	lies *lyingFolder
	// tamper makes hostile a bag that holds the copy of one photo, "kept".
	tamper func(h *home)
	// target makes hostile the folder that is restored to.
	target func(h *home)
	// user is set where the case needs somebody who may not do everything.
	user bool

	failed     map[string]source.Reason // the failures, by id; nil: none
	any        bool                     // failures are as they come: the kernel makes the tree
	unlisted   int                      // how many items fail as too large, whatever their names
	holds      []string                 // contents that are in the bag in the end; nil: "kept" alone
	incomplete bool                     // the listing says that it may lack files
	refused    string                   // the copy is refused with these words
	unrestored string                   // restoring is refused with these words
	unplaced   bool                     // restoring fails each item, by name
	spoilt     bool                     // somebody broke the bag, and sha256sum says so
}

func TestHostile(t *testing.T) {
	all := slices.Concat(links(), nodes(), names(), depths(), lies(), places(), ids(), bags())
	var copied, restored atomic.Int64
	t.Cleanup(func() { // when all of them have ended
		t.Logf("%d cases: %d copied, %d restored", len(all), copied.Load(), restored.Load())
		one := os.Getenv(asOther) != "" || flag.Lookup("test.run").Value.String() != ""
		if !one && (copied.Load() < 60 || restored.Load() < 60) {
			t.Error("too few cases")
		}
	})
	seen := map[string]bool{}
	for _, c := range all {
		if seen[c.name] {
			t.Errorf("two cases are called %q", c.name)
		}
		seen[c.name] = true
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			if c.user && beOther(t) {
				return
			}
			h := newHome(t)
			h.write("kept.jpg", "kept")
			if c.tamper != nil {
				if r, err := h.copy(); err != nil || r.Outcome != copy.Complete {
					t.Fatalf("the first copy: %+v, %v", r, err)
				}
				c.tamper(h)
				if h.at == "" {
					h.write("new.jpg", "new")
				}
			}
			if c.tree != nil {
				c.tree(h)
			}
			c.checkCopy(t, h)
			copied.Add(1)
			h.canary()
			if c.checkRestore(t, h) {
				restored.Add(1)
			}
			h.canary()
		})
	}
}

func (c *hostile) checkCopy(t *testing.T, h *home) {
	t.Helper()
	r, err := h.copy()
	if c.refused != "" {
		if err == nil || !strings.Contains(err.Error(), c.refused) {
			t.Errorf("not refused for %q: %v, %s", c.refused, err, r.Outcome)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]source.Reason{}
	for _, f := range r.Failures {
		got[f.ID] = f.Reason
	}
	if !c.any && !maps.Equal(got, c.failed) {
		t.Errorf("failures %.300q, want %.300q", got, c.failed)
	}
	if n := len(slices.DeleteFunc(slices.Clone(r.Failures), func(f ledger.Failure) bool { return f.Reason != source.TooLarge })); c.unlisted > 0 && n != c.unlisted {
		t.Errorf("%d of %d items fail as too large", n, c.unlisted)
	}
	if c.incomplete != (len(r.Incomplete) > 0) {
		t.Errorf("may lack files: %v, want %v", r.Incomplete, c.incomplete)
	}
	if want := len(c.failed) > 0 || c.incomplete; !c.any && want != (r.Outcome != copy.Complete) {
		t.Errorf("the copy is %s", r.Outcome)
	}
	if c.spoilt {
		return
	}
	h.whole()
	want := c.holds
	if want == nil {
		want = []string{"kept"}
	}
	if have := h.payload(); !c.any && !same(have, want) {
		t.Errorf("the copy holds %.200q, want %.200q", have, want)
	}
}

func same(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}
