package disks_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/disks"
	"github.com/clearance-project/clearance/platform/disks/diskstest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// private starts a bus of our own and gives its address.
func private(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		t.Skip("SKIPPED: there is no dbus-daemon: install dbus-daemon")
	}
	dir := t.TempDir()
	address := "unix:path=" + filepath.Join(dir, "bus")
	must(t, os.WriteFile(dir+"/conf", []byte(`<busconfig><type>session</type><listen>`+address+`</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`), 0o600))
	ready, told, err := os.Pipe()
	must(t, err)
	defer ready.Close()
	cmd := exec.Command("dbus-daemon", "--nofork", "--config-file="+dir+"/conf", "--print-address=3")
	cmd.ExtraFiles = []*os.File{told}
	must(t, cmd.Start())
	must(t, told.Close())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // killed is how it ends
	must(t, ready.SetReadDeadline(time.Now().Add(10*time.Second)))
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		t.Fatal("the bus did not start: ", err)
	}
	return address
}

// world is a client, and the service that it asks.
func world(t *testing.T) (*disks.Client, *diskstest.UDisks) {
	t.Helper()
	address := private(t)
	conn, err := dbus.Connect(address)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	u, err := diskstest.Start(conn)
	must(t, err)
	b, err := bus.Open(t.Context(), bus.Options{Address: address})
	must(t, err)
	t.Cleanup(b.Close)
	return disks.New(b), u
}

// plugged mounts a disk in memory and tells of it.
func plugged(t *testing.T, u *diskstest.UDisks, d diskstest.Disk) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: mounting a disk needs root")
	}
	at, image := t.TempDir(), filepath.Join(t.TempDir(), "disk.img")
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, 8<<20))
	if out, err := exec.Command("mkfs.ext4", "-q", "-m", "0", image).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", image, at).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no loop device here: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) }) // it may be unmounted already
	d.Points = []string{at}
	must(t, u.Plug(d))
	return at
}

func mounted(t *testing.T, at string) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	must(t, err)
	return strings.Contains(string(text), " "+at+" ")
}

func TestListOfDisks(t *testing.T) {
	c, u := world(t)
	must(t, u.Plug(diskstest.Disk{Name: "sda1", Label: "System", Bus: "usb", System: true}))
	must(t, u.Plug(diskstest.Disk{Name: "nvme0n1p1", Label: "Inside"}))
	must(t, u.Plug(diskstest.Disk{Name: "sdb1", UUID: "4A21-0F00", Label: "Photos\x1b[31m\n", Bus: "usb"}))
	must(t, u.Plug(diskstest.Disk{Name: "sdc1", Model: "Stick", Bus: "usb", Locked: true}))
	list, err := c.List(t.Context())
	must(t, err)
	want := []engine.Disk{
		{ID: "uuid:4A21-0F00", Label: "Photos[31m", Kind: "ext4", Size: 64 << 30},
		{Label: "Maker Stick", Kind: "ext4", Size: 64 << 30},
	}
	if !slices.Equal(list, want) {
		t.Errorf("%+v, want %+v", list, want)
	}
	for i := range 300 {
		must(t, u.Plug(diskstest.Disk{Name: fmt.Sprint("sdz", i), Bus: "usb"}))
	}
	if list, err := c.List(t.Context()); err != nil || len(list) != 256 {
		t.Errorf("%d disks, %v", len(list), err)
	}
}

func TestEject(t *testing.T) {
	for name, tt := range map[string]struct {
		disk  diskstest.Disk
		off   bool
		calls string
	}{
		"power":        {diskstest.Disk{CanPowerOff: true, Ejectable: true}, true, "Unmount PowerOff"},
		"a medium":     {diskstest.Disk{Ejectable: true}, true, "Unmount Eject"},
		"neither":      {diskstest.Disk{}, false, "Unmount"},
		"an encrypted": {diskstest.Disk{Locked: true, CanPowerOff: true}, true, "Unmount Lock PowerOff"},
	} {
		t.Run(name, func(t *testing.T) {
			c, u := world(t)
			tt.disk.Name, tt.disk.Label, tt.disk.Bus = "sdb1", "Photos-Disk", "usb"
			at := plugged(t, u, tt.disk)
			must(t, os.Mkdir(at+"/backup", 0o700))
			out, err := c.Eject(t.Context(), engine.Destination{Folder: at + "/backup"})
			must(t, err)
			if out.Off != tt.off || out.Label != "Photos-Disk" || (out.Why == "") != tt.off || mounted(t, at) {
				t.Errorf("%+v, mounted: %v", out, mounted(t, at))
			}
			if calls := strings.Join(u.Calls(), " "); calls != tt.calls {
				t.Errorf("asked for %s, want %s", calls, tt.calls)
			}
		})
	}
}

// TestNoOtherDiskIsEjected: another disk is where that of the copy was.
func TestNoOtherDiskIsEjected(t *testing.T) {
	c, u := world(t)
	ours := plugged(t, u, diskstest.Disk{Name: "sdb1", Label: "Photos-Disk", Bus: "usb", CanPowerOff: true})
	theirs := plugged(t, u, diskstest.Disk{Name: "sdc1", Label: "Somebody's", Bus: "usb", CanPowerOff: true})
	must(t, os.Mkdir(ours+"/backup", 0o700))
	must(t, os.Mkdir(theirs+"/backup", 0o700))
	p, err := place.Look(ours + "/backup")
	must(t, err)
	d := engine.Destination{Folder: theirs + "/backup", Disk: p.Disk(), Within: p.Within(), Label: "Photos-Disk"}
	out, err := c.Eject(t.Context(), d)
	must(t, err)
	if out.Label != "Photos-Disk" || mounted(t, ours) || !mounted(t, theirs) {
		t.Errorf("%+v", out)
	}
	_, err = c.Eject(t.Context(), d)
	var blocked *engine.BlockedError
	if !errors.As(err, &blocked) || blocked.Why.Code != "not-plugged-in" || !mounted(t, theirs) {
		t.Errorf("%v", err)
	}
}

func TestEjectIsRefused(t *testing.T) {
	c, u := world(t)
	at := plugged(t, u, diskstest.Disk{Name: "sdb1", Label: "Photos-Disk", Bus: "usb", CanPowerOff: true})
	refused := func(folder, code, text string) {
		t.Helper()
		_, err := c.Eject(t.Context(), engine.Destination{Folder: folder})
		var blocked *engine.BlockedError
		if !errors.As(err, &blocked) || blocked.Why.Code != code || !strings.Contains(blocked.Why.Text, text) || blocked.Remedy.Text == "" || blocked.Remedy.Command == "" {
			t.Errorf("%+v, want %s: %s", err, code, text)
		}
	}
	open, err := os.Create(at + "/open")
	must(t, err)
	refused(at, "not-unmounted", "Photos-Disk is in use")
	must(t, open.Close())
	for with, text := range map[string]string{"NotAuthorizedDismissed": "does not let you", "Timedout": "do not pull it out", "Failed": "could not be unmounted"} {
		u.Refuse("Unmount", with)
		refused(at, "not-unmounted", text)
	}
	u.Refuse("Unmount", "")
	refused("/", "not-removable", "can be plugged out")
	if !mounted(t, at) || slices.Contains(u.Calls(), "PowerOff") {
		t.Error("a refusal was passed over")
	}
	// Another part of the disk is in use: it is unmounted, and that is said.
	u.Refuse("PowerOff", "DeviceBusy")
	out, err := c.Eject(t.Context(), engine.Destination{Folder: at})
	if must(t, err); out.Off || !strings.Contains(out.Why, "another part") || mounted(t, at) {
		t.Errorf("%+v", out)
	}
	refused(at, "not-removable", "can be plugged out")
}

func TestDisksAreWatched(t *testing.T) {
	c, u := world(t)
	told := make(chan struct{}, 100)
	sub, err := c.Watch(func() { told <- struct{}{} })
	must(t, err)
	defer sub.Close()
	wait := func(what string) {
		t.Helper()
		select {
		case <-told:
		case <-time.After(10 * time.Second):
			t.Fatalf("never told: %s", what)
		}
	}
	wait("that it can be heard")
	must(t, u.Plug(diskstest.Disk{Name: "sdb1", Bus: "usb"}))
	wait("a drive")
	wait("its file system")
	must(t, u.Pull("sdb1"))
	wait("its going")
}

func TestNobodyTells(t *testing.T) {
	b, err := bus.Open(t.Context(), bus.Options{Address: private(t)})
	must(t, err)
	defer b.Close()
	c := disks.New(b)
	var blocked *engine.BlockedError
	if _, err := c.List(t.Context()); !errors.As(err, &blocked) || blocked.Why.Code != "no-udisks" {
		t.Errorf("%v", err)
	}
	if _, err := c.Eject(t.Context(), engine.Destination{Folder: "/"}); !errors.As(err, &blocked) || blocked.Why.Code != "no-udisks" {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.List(ctx); err == nil {
		t.Error("asked after the end")
	}
}
