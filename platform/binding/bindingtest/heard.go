package bindingtest

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/clearance-project/clearance/platform/binding"
)

// heard holds a place to its way of telling that somebody signed in or out
// there: through its files, or by itself.
func heard(d *desk) {
	filed, inFiles := d.Place.(binding.Filed)
	teller, tells := d.Place.(binding.Teller)
	switch {
	case tells:
		told(d, teller)
	case inFiles:
		inFile(d, filed)
	default:
		d.Error("the place neither names its files nor tells of changes: a sign-in would go unheard")
	}
}

func told(d *desk, teller binding.Teller) {
	var changes atomic.Int64
	stop, err := teller.Watch(func() { changes.Add(1) })
	if err != nil {
		d.Fatal(err)
	}
	defer stop()
	fence := func() int64 {
		d.Helper()
		if err := teller.Fence(d.ctx); err != nil {
			d.Fatalf("cannot wait for what was told: %v", err)
		}
		return changes.Load()
	}
	for _, step := range []struct {
		what string
		do   func()
	}{
		{"a sign-in", func() { d.signIn() }},
		{"a sign-out", func() { d.ByHand(d.ctx, d.T) }},
		{"a sign-in after it", func() { d.signIn() }},
	} {
		before := fence()
		step.do()
		if fence() == before {
			d.Errorf("%s was not told before the fence", step.what)
		}
	}
}

func inFile(d *desk, filed binding.Filed) {
	for _, f := range filed.Files() {
		if !strings.HasPrefix(f, "/") {
			d.Errorf("the file %q is not absolute", f)
		}
	}
	before := stamps(filed)
	d.signIn()
	in := stamps(filed)
	if in == before {
		d.Error("a sign-in changed none of the files that are watched")
	}
	d.ByHand(d.ctx, d.T)
	out := stamps(filed)
	if out == in {
		d.Error("a sign-out changed none of the files that are watched")
	}
	d.signIn()
	if stamps(filed) == out {
		d.Error("a sign-in after it changed none of the files that are watched")
	}
}

// stamps are what a watch of the files would see of them.
func stamps(filed binding.Filed) string {
	var b strings.Builder
	for _, f := range filed.Files() {
		fi, err := os.Lstat(f)
		if err != nil {
			fmt.Fprintf(&b, "%s: %v\n", f, err)
			continue
		}
		st, _ := fi.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&b, "%s: %d %d %d %v\n", f, st.Dev, st.Ino, st.Size, st.Ctim)
	}
	return b.String()
}
