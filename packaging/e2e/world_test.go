package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"github.com/clearance-project/clearance/platform/eds"
)

// in is the person within a subtest.
func (p *person) in(t *testing.T) *person {
	q := *p
	q.t = t
	return &q
}

// eventually waits until something holds.
func (p *person) eventually(what string, holds func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			p.t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

// book is the account's address book on the device, as any program there sees
// it.
type book struct {
	p     *person
	store *eds.Store
}

// book opens the account's address book.
func (p *person) book() book {
	p.t.Helper()
	conn, err := bus.Open(p.t.Context(), bus.Options{Address: p.stage.Session.BusAddress})
	p.ok(err)
	p.t.Cleanup(conn.Close)
	c := eds.New(conn, eds.Options{})
	b := book{p: p}
	p.eventually("an address book of the account", func() bool {
		list, err := c.Sources(p.t.Context())
		p.ok(err)
		for _, s := range list {
			if s.Kind == eds.AddressBook && s.GOAAccount != "" {
				b.store, err = c.Open(p.t.Context(), s.UID)
				p.ok(err)
				return true
			}
		}
		return false
	})
	return b
}

// count is how many contacts the book says that there are.
func (b book) count() int {
	b.p.t.Helper()
	l, err := b.store.Keys(b.p.t.Context())
	b.p.ok(err)
	return len(l.Keys)
}

// add makes a contact, as the address book of the desktop does.
func (b book) add(card string) {
	b.p.t.Helper()
	made, err := b.store.Create(b.p.t.Context(), []string{card})
	b.p.ok(err)
	for _, err := range made.Failed {
		b.p.t.Fatal(err)
	}
}

// copied reports whether exactly these bytes are an item of the copy.
func (p *person) copied(info agent.DepartureInfo, data []byte) bool {
	p.t.Helper()
	found := false
	p.eachCopied(info, func(_ string, b []byte) {
		found = found || bytes.Equal(b, data)
	})
	return found
}

// copiedWith lists the files of the copy that hold a text.
func (p *person) copiedWith(info agent.DepartureInfo, text string) (at []string) {
	p.t.Helper()
	p.eachCopied(info, func(name string, b []byte) {
		if bytes.Contains(b, []byte(text)) {
			at = append(at, name)
		}
	})
	return at
}

func (p *person) eachCopied(info agent.DepartureInfo, see func(name string, data []byte)) {
	p.t.Helper()
	if info.Copy.Shown == "" {
		p.t.Fatal("there is no copy")
	}
	root := filepath.Join(info.Copy.Shown, "data")
	p.ok(filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(at)
		name, _ := filepath.Rel(root, at)
		see(name, data)
		return err
	}))
}

// accounts are the ids of the accounts that goa-daemon has.
func (p *person) accounts() (ids []string) {
	p.t.Helper()
	conn, err := p.stage.Session.Dial(p.t.Context())
	p.ok(err)
	defer func() { p.ok(conn.Close()) }()
	var objects map[dbus.ObjectPath]map[string]map[string]dbus.Variant
	p.ok(conn.Object("org.gnome.OnlineAccounts", "/org/gnome/OnlineAccounts").
		CallWithContext(p.t.Context(), "org.freedesktop.DBus.ObjectManager.GetManagedObjects", 0).Store(&objects))
	for path, interfaces := range objects {
		if _, ok := interfaces["org.gnome.OnlineAccounts.Account"]; ok {
			ids = append(ids, string(path))
		}
	}
	return ids
}

// remove signs the account out as the desktop's settings do.
func (p *person) remove(path dbus.ObjectPath) {
	p.t.Helper()
	conn, err := p.stage.Session.Dial(p.t.Context())
	p.ok(err)
	defer func() { p.ok(conn.Close()) }()
	p.ok(conn.Object("org.gnome.OnlineAccounts", path).CallWithContext(p.t.Context(), "org.gnome.OnlineAccounts.Account.Remove", 0).Err)
}

// deviceOn reports whether Find My Device is on, by what the device itself
// keeps; where it keeps nothing it was never turned off.
func (p *person) deviceOn() bool {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.stage.Root, "device-state"))
	if os.IsNotExist(err) {
		return true
	}
	p.ok(err)
	var state map[string]any
	p.ok(json.Unmarshal(data, &state))
	for key, value := range state {
		if strings.EqualFold(key, "state") {
			return value != "off"
		}
	}
	p.t.Fatalf("the device's state is %s", data)
	return true
}

// turnedOff is how often Find My Device was turned off.
func (p *person) turnedOff() int {
	p.t.Helper()
	log, err := os.ReadFile(filepath.Join(p.stage.Root, "device.log"))
	p.ok(err)
	n := 0
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, `msg="asked to turn off" result=ok`) {
			n++
		}
	}
	return n
}

// crash kills the service of the session whose name begins so.
func (p *person) crash(name string) {
	p.t.Helper()
	conn, err := p.stage.Session.Dial(p.t.Context())
	p.ok(err)
	defer func() { p.ok(conn.Close()) }()
	var names []string
	p.ok(conn.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&names))
	for _, n := range names {
		if !strings.HasPrefix(n, name) {
			continue
		}
		var pid uint32
		p.ok(conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, n).Store(&pid))
		p.ok(syscall.Kill(int(pid), syscall.SIGKILL))
		p.eventually(n+" ended", func() bool {
			var owned bool
			p.ok(conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, n).Store(&owned))
			return !owned
		})
		return
	}
	p.t.Fatalf("%s does not run", name)
}

// own gives what root made to the person of the session.
func (p *person) own(at string) {
	p.t.Helper()
	if as := p.stage.As; as != nil {
		p.ok(os.Chown(at, int(as.UID), int(as.GID)))
	}
}

// folder makes a folder of the person's with these files.
func (p *person) folder(at string, files map[string][]byte) string {
	p.t.Helper()
	p.ok(os.MkdirAll(at, 0o755))
	p.own(at)
	for name, data := range files {
		p.ok(os.WriteFile(filepath.Join(at, name), data, 0o644))
		p.own(filepath.Join(at, name))
	}
	return at
}

// pictures are real JPEG files.
func (p *person) pictures(n int) map[string][]byte {
	p.t.Helper()
	files := map[string][]byte{}
	for i := range n {
		data, err := davtest.Picture(i)
		p.ok(err)
		files[fmt.Sprintf("IMG_%04d.jpg", i)] = data
	}
	return files
}

// rest waits until what was written just now is no longer so fresh that it is
// read a second time: here, where stamps are fine, one may hide a later write for
// up to 100 ms (backup/scan).
func (p *person) rest() {
	p.t.Helper()
	select {
	case <-time.After(150 * time.Millisecond):
	case <-p.t.Context().Done():
	}
}

// slowWatch makes the agent hear late of what changes in folders: each time that
// it reads what the kernel has to tell, the reading takes so long. That is done
// from outside, by strace.
func (p *person) slowWatch(late time.Duration) (mend func()) {
	p.t.Helper()
	if _, err := exec.LookPath("strace"); err != nil || os.Geteuid() != 0 {
		p.t.Skip("NOT CHECKED: holding system calls of the agent up needs root and strace")
	}
	const inotify = "anon_inode:inotify"
	c := exec.CommandContext(p.t.Context(), "strace", "-f", "-p", fmt.Sprint(p.stage.Agent()), "-P", inotify, "-e", "trace=read",
		"-e", fmt.Sprintf("inject=read:delay_enter=%d", late.Microseconds()), "-o", filepath.Join(p.stage.Root, "strace.log"))
	told, err := c.StderrPipe()
	p.ok(err)
	p.ok(c.Start())
	var ended error
	mend = sync.OnceFunc(func() {
		if ended = c.Process.Signal(os.Interrupt); ended == nil {
			_ = c.Wait() // it ends by the signal
		}
	})
	p.t.Cleanup(mend)
	lines := bufio.NewScanner(told)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "attached") {
			go func() { _, _ = io.Copy(io.Discard, told) }() // until it ends
			return mend
		}
		p.t.Log(lines.Text())
	}
	p.t.Skip("NOT CHECKED: strace cannot attach to the agent here")
	return mend
}
