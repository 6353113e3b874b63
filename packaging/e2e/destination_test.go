package e2e

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// TestPlacesThatDisappear: the copy may not lie where it goes with the account,
// or with the power.
func TestPlacesThatDisappear(t *testing.T) {
	p := start(t, davtest.Content{})
	p.agent()
	photos := p.folder(filepath.Join(p.stage.Root, "data", "photos"), p.pictures(2))
	p.folder(filepath.Join(photos, "below"), nil)
	p.own(filepath.Dir(photos))
	synced := p.folder(filepath.Join(p.stage.Root, "cloud"), nil)
	p.folder(filepath.Join(synced, "below"), nil)
	a := p.declare(map[departure.Dataset]string{departure.Photos: photos})
	info, err := p.c.StartDeparture(t.Context(), agent.StartRequest{Account: a, Intent: departure.Delete})
	p.ok(err)
	id := info.Departure.ID
	memory, err := os.MkdirTemp("/dev/shm", "ce-")
	p.ok(err)
	t.Cleanup(func() { p.ok(os.RemoveAll(memory)) })
	p.own(memory)
	link := filepath.Join(p.stage.Root, "link")
	p.ok(os.Symlink(filepath.Join(photos, "below"), link))
	p.folder(filepath.Join(p.stage.Session.ConfigHome, "Nextcloud"), map[string][]byte{
		"nextcloud.cfg": []byte("[Accounts]\n0\\url=https://cloud.example\n0\\Folders\\1\\localPath=" + synced + "/\n"),
	})
	places := map[string]struct{ at, why string }{
		"in memory":                   {memory, "in memory"},
		"in a source":                 {filepath.Join(photos, "below"), "to be copied"},
		"a source itself":             {photos, "to be copied"},
		"around a source":             {filepath.Dir(photos), "to be copied"},
		"behind a link into a source": {link, "to be copied"},
		"the account's sync folder":   {synced, "in step with a cloud"},
		"in the sync folder":          {filepath.Join(synced, "below"), "in step with a cloud"},
		"not there":                   {filepath.Join(p.stage.Root, "nowhere"), "is not there"},
		"a file":                      {filepath.Join(photos, "IMG_0000.jpg"), "not a folder"},
		"of another user":             {"/", "cannot be written"},
		"a relative path":             {"copy", "whole path"},
	}
	if os.Geteuid() == 0 {
		bound := p.folder(filepath.Join(p.stage.Root, "mounted"), nil)
		p.mount(bound, "--bind", photos)
		places["another mount of a source"] = struct{ at, why string }{filepath.Join(bound, "below"), "to be copied"}
		disk := p.disk(4)
		p.ok(exec.Command("mount", "-o", "remount,ro", disk).Run())
		places["a disk that is read-only"] = struct{ at, why string }{disk, "cannot be written"}
	}
	for what, place := range places {
		t.Run(what, func(t *testing.T) {
			p := p.in(t)
			_, err := p.c.SetDestination(t.Context(), id, place.at)
			p.refused(err, agent.KindInvalid, what)
			if err != nil && !strings.Contains(err.Error(), place.why) {
				t.Errorf("%v, want a sentence with %q", err, place.why)
			}
		})
	}
	t.Run("a folder that a program serves", func(t *testing.T) {
		p := p.in(t)
		served := p.served(filepath.Join(p.stage.Root, "served"))
		link := filepath.Join(p.stage.Root, "link to it")
		p.ok(os.Symlink(served, link))
		for _, at := range []string{served, filepath.Join(served, "below"), link} {
			_, err := p.c.SetDestination(t.Context(), id, at)
			p.refused(err, agent.KindInvalid, at)
			if err != nil && !strings.Contains(err.Error(), "may never have left this device") {
				t.Errorf("%v does not say why", err)
			}
		}
		if info := p.now(id); info.Destination.Folder != "" {
			t.Errorf("the place is %+v", info.Destination)
		}
	})
	t.Run("a program that serves the chosen folder from now on", func(t *testing.T) {
		p := p.in(t)
		_, err := p.c.SetDestination(t.Context(), id, p.dest)
		p.ok(err)
		p.served(p.dest)
		info := p.run(id, departure.StepTrack)
		if c := p.check(info, departure.DestinationApart); c.Status.Holds() || info.Verdict.Release {
			t.Errorf("the place is %s: %s", c.Status, c.Reason.Text)
		}
		p.empty(p.dest)
	})
	t.Run("a sync client takes the chosen folder over", func(t *testing.T) {
		p := p.in(t)
		_, err := p.c.SetDestination(t.Context(), id, p.dest)
		p.ok(err)
		p.folder(filepath.Join(p.stage.Session.ConfigHome, "Nextcloud"), map[string][]byte{
			"nextcloud.cfg": []byte("[Accounts]\n0\\Folders\\1\\localPath=" + filepath.Dir(p.dest) + "\n"),
		})
		info := p.run(id, departure.StepTrack)
		p.wants(info, departure.DestinationApart, departure.Fail, "inside")
	})
}

// TestDiskTroubles: the disk of the copy fills up, turns read-only, and is
// pulled out, each in the middle of copying. What was copied stays and counts.
func TestDiskTroubles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a disk needs root")
	}
	p := start(t, davtest.Content{})
	for i := range 12 {
		data := make([]byte, 200<<10)
		r := rand.New(rand.NewPCG(uint64(i), 1))
		for j := range data {
			data[j] = byte(r.Uint32())
		}
		_, err := p.stage.Account.PutFile(fmt.Sprintf("Documents/%02d.bin", i), data)
		p.ok(err)
	}
	p.signIn()
	p.agent()
	disk := p.disk(8)
	p.dest = disk
	id := p.leave(p.account(), departure.Delete)

	trouble := func(what string, code string, happen, mend func()) {
		t.Helper()
		held := p.stage.Server.Inject(davtest.Fault{Method: "GET", Path: dav, Skip: 3, Hold: true})
		job, err := p.c.Run(t.Context(), id, departure.StepVerify)
		p.ok(err)
		<-held.Arrived()
		happen()
		p.stage.Server.Heal()
		done, err := p.wait(job, nil)
		p.ok(err)
		info := *done.Departure
		p.nextStep(info)
		if files := p.check(info, departure.BackupOf(departure.Files)); files.Status.Holds() || info.Verdict.Release {
			t.Errorf("%s: the files are %s: %s", what, files.Status, files.Reason.Text)
		}
		if info.Waiting == nil || !strings.Contains(code, info.Waiting.Code) {
			t.Errorf("%s: the next step is %+v (%s), want %s", what, info.Waiting, info.WaitingWhy, code)
		}
		mend()
	}
	filler := filepath.Join(disk, "filler")
	trouble("a full disk", "destination", func() {
		f, err := os.Create(filler)
		p.ok(err)
		block := make([]byte, 64<<10)
		for err == nil {
			_, err = f.Write(block)
		}
		p.ok(f.Close())
	}, func() { p.ok(os.Remove(filler)) })
	again := func() {
		p.ok(exec.Command("umount", "-l", disk).Run())
		p.mount(disk, "-o", "loop", disk+".img")
	}
	trouble("a disk that turned read-only", "destination", func() {
		p.ok(exec.Command("mount", "-o", "remount,abort", disk).Run())
	}, again)
	// The look or the copying may meet it first: another disk, or this one again.
	trouble("a disk that was pulled out", "destination or plug-in", func() {
		p.pull(disk)
	}, func() {
		p.ok(exec.Command("umount", "-l", disk).Run())
		info := p.run(id, departure.StepVerify)
		c := p.wants(info, departure.DestinationApart, departure.Unknown, "other-disk")
		if c.Remedy == nil || c.Remedy.Code != "plug-in" {
			t.Errorf("the remedy is %+v", c.Remedy)
		}
		p.mount(disk, "-o", "loop", disk+".img")
	})
	info := p.ready(id)
	if c := p.check(info, departure.BackupOf(departure.Files)); c.Count != 12 {
		t.Errorf("%d files are in the copy", c.Count)
	}
	p.sha256sum(info)
}

// disk mounts an empty disk of so many MB that belongs to the person.
func (p *person) disk(size int) string {
	p.t.Helper()
	at := filepath.Join(p.stage.Root, fmt.Sprintf("disk-%d", size))
	p.ok(os.Mkdir(at, 0o755))
	f, err := os.Create(at + ".img")
	p.ok(err)
	p.ok(f.Truncate(int64(size) << 20))
	p.ok(f.Close())
	if out, err := exec.Command("mkfs.ext4", "-q", "-m", "0", at+".img").CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	p.mount(at, "-o", "loop", at+".img")
	p.own(at)
	return at
}

// served makes a folder that a program serves (FUSE), with one below it: what is
// written there goes wherever the program wants.
func (p *person) served(at string) string {
	p.t.Helper()
	if os.Geteuid() != 0 {
		p.t.Skip("NOT CHECKED: serving a folder to another user needs root")
	}
	for _, need := range []string{"/dev/fuse", "/usr/bin/bindfs"} {
		if _, err := os.Stat(need); err != nil {
			p.t.Skipf("NOT CHECKED: no file system can be served by a program here: %v (apt install bindfs fuse3)", err)
		}
	}
	behind := p.folder(at+".behind", nil)
	p.folder(filepath.Join(behind, "below"), nil)
	p.folder(at, nil)
	if out, err := exec.Command("bindfs", behind, at).CombinedOutput(); err != nil {
		p.t.Skipf("NOT CHECKED: bindfs cannot mount here: %v: %s", err, out)
	}
	p.t.Cleanup(func() { p.ok(exec.Command("umount", "-l", at).Run()) }) // its program ends with it
	p.eventually(at+" is served", func() bool {
		_, err := os.Stat(filepath.Join(at, "below"))
		return err == nil
	})
	return at
}

// empty fails the test where something was written below a folder.
func (p *person) empty(at string) {
	p.t.Helper()
	p.ok(filepath.WalkDir(at, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			p.t.Errorf("%s was written", name)
		}
		return err
	}))
}

// mount mounts at a folder until the test ends.
func (p *person) mount(at string, args ...string) {
	p.t.Helper()
	if out, err := exec.Command("mount", append(args, at)...).CombinedOutput(); err != nil {
		p.t.Fatalf("cannot mount: %v: %s", err, out)
	}
	p.t.Cleanup(func() { _ = exec.Command("umount", "-l", at).Run() }) // it may be gone already
}

// pull takes the disk away under its file system: everything that is written
// from here on fails (FS_IOC_SHUTDOWN of ext4, without a last flush).
func (p *person) pull(at string) {
	p.t.Helper()
	d, err := os.Open(at)
	p.ok(err)
	defer func() { p.ok(d.Close()) }()
	const shutdown, noLogFlush = 0x8004587d, 2
	flag := uint32(noLogFlush)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), shutdown, uintptr(unsafe.Pointer(&flag))); errno != 0 {
		p.t.Fatal(errno)
	}
}
