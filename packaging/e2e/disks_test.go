package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/ipc/cli"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"github.com/clearance-project/clearance/platform/disks/diskstest"
)

// stick is a disk that a person plugs in and out.
type stick struct {
	p     *person
	image string
	at    string // where it is plugged in
}

// stick makes a disk with a label and plugs it in. Whoever is not root cannot.
func (p *person) stick(label string, mb int) *stick {
	p.t.Helper()
	if os.Geteuid() != 0 {
		p.t.Skip("SKIPPED: only root can mount a disk")
	}
	s := &stick{p: p, image: filepath.Join(p.stage.Root, label+".img")}
	p.ok(os.WriteFile(s.image, nil, 0o600))
	p.ok(os.Truncate(s.image, int64(mb)<<20))
	args := []string{"-q", "-m", "0", "-L", label, s.image}
	if as := p.stage.As; as != nil {
		args = append([]string{"-E", fmt.Sprintf("root_owner=%d:%d", as.UID, as.GID)}, args...)
	}
	if out, err := exec.Command("mkfs.ext4", args...).CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	s.plug(label)
	return s
}

// plug mounts the disk at a folder of that name.
func (s *stick) plug(name string) {
	s.p.t.Helper()
	s.at = filepath.Join(s.p.stage.Root, "media", name)
	s.p.ok(os.MkdirAll(s.at, 0o755))
	s.p.mount(s.at, "-o", "loop", s.image)
}

// unplug takes the disk away, whoever has something open on it.
func (s *stick) unplug() {
	s.p.t.Helper()
	s.p.ok(exec.Command("umount", "-l", s.at).Run())
}

// named fails the test unless a line of the verdict names the disk, and what to
// do.
func (p *person) named(info agent.DepartureInfo, label string) {
	p.t.Helper()
	c := p.check(info, departure.DestinationApart)
	if c.Status != departure.Unknown || !strings.Contains(c.Reason.Text, label) || c.Remedy == nil || !strings.Contains(c.Remedy.Text, "plug "+label+" in again") {
		p.t.Errorf("the place is %s: %s (%+v), want %s named", c.Status, c.Reason.Text, c.Remedy, label)
	}
}

// TestTheDiskIsPulledWhileItIsWritten: the agent names it, and goes on by itself
// to the end of the copying once it is plugged in again, elsewhere.
func TestTheDiskIsPulledWhileItIsWritten(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 2})
	for i := range 8 {
		_, err := p.stage.Account.PutFile(fmt.Sprintf("Documents/%02d.bin", i), bytes.Repeat([]byte{byte(i)}, 100<<10))
		p.ok(err)
	}
	p.signIn()
	p.agent()
	disk := p.stick("Photos-Disk", 16)
	p.dest = p.folder(filepath.Join(disk.at, "backup"), nil)
	id := p.leave(p.account(), departure.Delete)

	held := p.stage.Server.Inject(davtest.Fault{Method: "GET", Path: dav, Skip: 3, Hold: true})
	job, err := p.c.Run(t.Context(), id, departure.StepTrack)
	p.ok(err)
	<-held.Arrived()
	disk.unplug()
	p.ok(os.MkdirAll(p.dest, 0o755)) // somebody makes the folder beneath
	p.own(p.dest)
	p.stage.Server.Heal()
	done, err := p.wait(job, nil)
	p.ok(err)
	info := *done.Departure
	p.nextStep(info)
	p.named(info, "Photos-Disk")
	if info.Verdict.Release || !strings.Contains(info.WaitingWhy+info.Waiting.Text, "Photos-Disk") {
		t.Errorf("what it waits for: %+v %s", info.Waiting, info.WaitingWhy)
	}
	if names, err := os.ReadDir(p.dest); err != nil || len(names) > 0 {
		t.Errorf("the folder beneath holds %v %v", names, err)
	}

	disk.plug("another-place")
	p.until("it goes on by itself", id, func(i agent.DepartureInfo) bool {
		c := p.check(i, departure.BackupVerified)
		return c.Status == departure.Pass && p.check(i, departure.BackupOf(departure.Files)).Count == 8
	})
	info = p.ready(id)
	if !strings.HasPrefix(info.Copy.Shown, disk.at+"/backup/") || info.Copy.DiskName != "Photos-Disk" {
		t.Errorf("the copy is at %s on %q", info.Copy.Shown, info.Copy.DiskName)
	}
	p.sha256sum(info)
	_, err = p.redeem(p.permit(id).ID)
	p.ok(err)
}

// TestTheDiskIsPulledWhenItIsReady: ready lasts no longer than the disk is there,
// whatever way it goes.
func TestTheDiskIsPulledWhenItIsReady(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 2, Photos: 2})
	p.signIn()
	system, err := p.stage.System.Dial(t.Context())
	p.ok(err)
	defer func() { p.ok(system.Close()) }()
	udisks, err := diskstest.Start(system)
	p.ok(err)
	p.agent()
	disk := p.stick("Photos-Disk", 16)
	p.dest = disk.at
	p.ok(udisks.Plug(diskstest.Disk{Name: "sdb1", Label: "Photos-Disk", Bus: "usb", CanPowerOff: true, Points: []string{disk.at}}))
	id := p.leave(p.account(), departure.Delete)
	p.ready(id)
	permit := p.permit(id)

	pulled := time.Now()
	disk.unplug()
	p.until("no longer ready", id, func(i agent.DepartureInfo) bool { return i.Live != agent.LiveReady })
	if took := time.Since(pulled); took > time.Second {
		t.Errorf("it said so after %v", took)
	}
	info := p.until("why", id, func(i agent.DepartureInfo) bool { return !p.check(i, departure.DestinationApart).Status.Holds() })
	p.named(info, "Photos-Disk")
	p.stale(permit, "a nonce of sixteen", "after the disk was pulled")
	_, err = p.ask(id)
	p.refused(err, agent.KindNotReady, "without the disk")

	disk.plug("Photos-Disk")
	p.until("ready again", id, func(i agent.DepartureInfo) bool { return i.Verdict.Ready && i.Live == agent.LiveReady })
	permit = p.permit(id)
	// Nothing tells of a cable: the disk is asked when it counts.
	p.pull(disk.at)
	p.stale(permit, "a nonce of sixteen", "after the cable was pulled")
	disk.unplug()
	disk.plug("Photos-Disk")
	p.until("ready once more", id, func(i agent.DepartureInfo) bool { return i.Verdict.Ready && i.Live == agent.LiveReady })

	// On the person's word it is unmounted and switched off.
	said := p.says("destination")
	if !strings.Contains(said, "Photos-Disk") || !strings.Contains(said, disk.at) {
		t.Errorf("the disks are %s", said)
	}
	open, err := os.Create(filepath.Join(disk.at, "open"))
	p.ok(err)
	if said := p.says("destination", "--eject"); !strings.Contains(said, "Photos-Disk is in use") {
		t.Errorf("while a file is open: %s", said)
	}
	p.ok(open.Close())
	if said := p.says("destination", "--eject"); !strings.Contains(said, "you may unplug it") || !slices.Contains(udisks.Calls(), "PowerOff") {
		t.Errorf("%s (asked for %v)", said, udisks.Calls())
	}
	p.until("no longer ready", id, func(i agent.DepartureInfo) bool { return i.Live != agent.LiveReady })
}

// TestACloneIsPluggedInInstead of the disk that the copy was written to last.
func TestACloneIsPluggedInInstead(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 2, Photos: 2})
	p.signIn()
	p.agent()
	disk := p.stick("Photos-Disk", 16)
	p.dest = disk.at
	id := p.leave(p.account(), departure.Delete)
	p.run(id, departure.StepVerify)
	disk.unplug()
	clone := &stick{p: p, image: disk.image + ".clone"}
	if out, err := exec.Command("cp", disk.image, clone.image).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	disk.plug("Photos-Disk")
	_, err := p.stage.Account.PutFile("Photos/late.jpg", p.pictures(3)["IMG_0002.jpg"])
	p.ok(err)
	p.ready(id)
	disk.unplug()
	clone.plug("Photos-Disk")
	info := p.until("the clone is refused", id, func(i agent.DepartureInfo) bool {
		return i.Live != agent.LiveReady && p.check(i, departure.DestinationApart).Reason.Code == "older-double"
	})
	if info.Verdict.Ready {
		t.Error("it is ready on an older clone")
	}
	disk.plug("both")
	info = p.until("both are refused", id, func(i agent.DepartureInfo) bool {
		return p.check(i, departure.DestinationApart).Reason.Code == "two-disks"
	})
	p.nextStep(info)
	clone.unplug()
	p.until("ready on the disk itself", id, func(i agent.DepartureInfo) bool { return i.Verdict.Ready && i.Live == agent.LiveReady })
}

// says is what the command line says to this.
func (p *person) says(words ...string) string {
	p.t.Helper()
	socket := p.stage.Socket()
	if p.stage.As != nil {
		socket = filepath.Join(p.stage.Root, "person.sock") // where the person is let in
	}
	var out bytes.Buffer
	app := cli.App{In: strings.NewReader(""), Out: &out, Err: &out, Now: time.Now}
	app.Run(p.t.Context(), append([]string{"--socket", socket}, words...))
	return out.String()
}
