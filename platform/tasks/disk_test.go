package tasks

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/clock"
)

// later is a clock under which what was written a moment ago has rested.
type later struct{ clock.Real }

func (later) Now() time.Time { return time.Now().Add(time.Hour) }

// diskDesk is a desk whose copy goes to a disk of its own.
func diskDesk(t *testing.T, mb int) (d *desk, image string) {
	t.Helper()
	if os.Getenv(mounterName) == "" {
		t.Skip("SKIPPED: only root can mount a disk: run the tests as root")
	}
	d = newDesk(t)
	d.cfg.Clock = later{}
	image = filepath.Join(d.session.Root, "disk.img")
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, int64(mb)<<20))
	do(t, "/sbin/mkfs.ext4", "-q", "-m", "0", "-E", fmt.Sprintf("root_owner=%d:%d", os.Getuid(), os.Getgid()), "-L", "Photos-Disk", image)
	d.job.Destination = engine.Destination{}
	at := d.plug(image, "media")
	must(t, os.Mkdir(at+"/backup", 0o700))
	d.declared(map[departure.Dataset]string{departure.Files: d.folder("files", map[string]string{"one": "1", "two": "22"})})
	d.choose(at + "/backup")
	return d, image
}

func do(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

// plug mounts an image at a folder of that name.
func (d *desk) plug(image, name string) string {
	d.t.Helper()
	at := filepath.Join(d.session.Root, name)
	must(d.t, os.MkdirAll(at, 0o755))
	if err := hand(d.t, "plug", image, at); err != nil {
		d.t.Skipf("SKIPPED: no loop device here: %v", err)
	}
	d.t.Cleanup(func() { _ = hand(d.t, "detach", at) }) // it may be unplugged already
	return at
}

// unplug takes a disk away in order.
func (d *desk) unplug(at string) {
	d.t.Helper()
	must(d.t, hand(d.t, "unplug", at))
}

// choose makes a folder the destination, as the person does.
func (d *desk) choose(at string) {
	d.t.Helper()
	c, dest, err := d.InspectDestination(d.t.Context(), d.job, at)
	must(d.t, err)
	if c.Place != departure.PlaceApart || !c.Present {
		d.t.Fatalf("the place is %+v", c)
	}
	d.job.Destination = dest
}

// sound reports whether the copy is present and read back in full.
func sound(c departure.Copy) bool {
	return c.Present && c.Place == departure.PlaceApart && c.Items > 0 && c.Unread == 0 && c.Differs == 0
}

func (d *desk) refused(code, remedy string) {
	d.t.Helper()
	_, err := d.Backup(d.t.Context(), d.job, quiet)
	var blocked *engine.BlockedError
	if !errors.As(err, &blocked) || blocked.Why.Code != code || blocked.Remedy.Code != remedy || !strings.Contains(blocked.Why.Text+blocked.Remedy.Text, "Photos-Disk") {
		d.t.Errorf("copying: %+v, want %s and %s with the disk's name", err, code, remedy)
	}
	if c := d.look().Copy; c.Present || c.PlaceWhy.Code != code || c.Place != "" {
		d.t.Errorf("the look says %+v, want %s", c, code)
	}
}

func TestADiskComesAndGoes(t *testing.T) {
	d, image := diskDesk(t, 8)
	var told atomic.Int64
	must(t, d.Watch(t.Context(), d.job, func(departure.SourceID) { told.Add(1) }))
	d.backup()
	d.verify()
	if c := d.look().Copy; !sound(c) || c.DiskName != "Photos-Disk" {
		t.Fatalf("%+v", c)
	}
	before := told.Load()
	d.unplug(filepath.Join(d.session.Root, "media"))
	eventually(t, "the disk's going was told of", func() bool { return told.Load() > before })
	must(t, os.Mkdir(filepath.Join(d.session.Root, "media", "backup"), 0o700))
	d.refused("other-disk", "plug-in")
	if names, err := os.ReadDir(filepath.Join(d.session.Root, "media", "backup")); err != nil || len(names) > 0 {
		t.Errorf("the folder beneath holds %v %v", names, err)
	}
	before = told.Load()
	// Another disk takes the number that its device had.
	do(t, "cp", image, image+".other")
	do(t, "/sbin/e2fsck", "-f", "-y", image+".other") // tune2fs wants it checked since it was mounted
	do(t, "/sbin/tune2fs", "-f", "-U", "random", image+".other")
	d.plug(image+".other", "media")
	at := d.plug(image, "elsewhere")
	eventually(t, "the disk's coming was told of", func() bool { return told.Load() > before })
	c := d.look().Copy
	if !sound(c) || !strings.HasPrefix(c.Shown, at+"/backup/") || c.Disk != d.job.Destination.Disk {
		t.Errorf("plugged in elsewhere: %+v", c)
	}
	d.folder("files", map[string]string{"three": "333"})
	if res := d.backup(); res.Done != 1 {
		t.Errorf("%+v", res)
	}
	d.verify()
	if c := d.look().Copy; !sound(c) || c.Items != 3 {
		t.Errorf("%+v", c)
	}
}

func TestADiskThatGoesWhileItIsWritten(t *testing.T) {
	d, _ := diskDesk(t, 8)
	at := filepath.Join(d.session.Root, "media")
	for _, run := range []func(engine.Report) error{
		func(r engine.Report) error { _, err := d.Backup(t.Context(), d.job, r); return err },
		func(r engine.Report) error { _, err := d.Verify(t.Context(), d.job, time.Time{}, r); return err },
	} {
		image := filepath.Join(d.session.Root, "disk.img")
		pulled := false
		err := run(func(engine.Progress) {
			if !pulled {
				pulled = true
				must(t, hand(t, "detach", at))
			}
		})
		var blocked *engine.BlockedError
		if !pulled || !errors.As(err, &blocked) || blocked.Why.Code != "unplugged" || blocked.Remedy.Code != "plug-in" ||
			!strings.Contains(blocked.Why.Text, "Photos-Disk") {
			t.Fatalf("%v %+v", pulled, err)
		}
		d.plug(image, "media")
		d.backup()
	}
	d.verify()
	if c := d.look().Copy; !sound(c) {
		t.Errorf("%+v", c)
	}
}

// What is left of a disk whose cable was pulled stays mounted, and answers with
// errors: the disk counts where it is plugged in again.
func TestACableThatIsPulled(t *testing.T) {
	d, image := diskDesk(t, 8)
	d.backup()
	d.verify()
	must(t, hand(t, "pull", filepath.Join(d.session.Root, "media")))
	d.folder("files", map[string]string{"three": "333"})
	if c := d.look().Copy; c.Present || !strings.Contains(c.PlaceWhy.Text, "Photos-Disk") {
		t.Errorf("the look says %+v", c)
	}
	_, err := d.Backup(t.Context(), d.job, quiet)
	var blocked *engine.BlockedError
	if !errors.As(err, &blocked) || blocked.Remedy.Text == "" || !strings.Contains(blocked.Why.Text, "Photos-Disk") {
		t.Errorf("copying: %v", err)
	}
	// mount(8) would give the dead device once more for the same image.
	do(t, "cp", image, image+".again")
	at := d.plug(image+".again", "again")
	d.backup()
	d.verify()
	if c := d.look().Copy; !sound(c) || c.Items != 3 || !strings.HasPrefix(c.Shown, at) {
		t.Errorf("plugged in again: %+v", c)
	}
}

func TestACloneIsNotTheDisk(t *testing.T) {
	d, image := diskDesk(t, 8)
	media := filepath.Join(d.session.Root, "media")
	d.backup()
	d.verify()
	first := d.job.Destination
	clone := filepath.Join(d.session.Root, "clone.img")
	d.unplug(media)
	do(t, "cp", image, clone)

	// One that lacks nothing is read back before it counts.
	d.plug(clone, "media")
	if c := d.look().Copy; !c.Present || c.Unread != c.Items || c.Items != 2 || c.Differs != 0 {
		t.Errorf("an equal clone: %+v", c)
	}
	d.unplug(media)

	// One that lacks a run is refused.
	d.plug(image, "media")
	if c := d.look().Copy; !sound(c) {
		t.Errorf("the first disk: %+v", c)
	}
	d.folder("files", map[string]string{"three": "333"})
	d.backup()
	d.verify()
	d.unplug(media)
	d.plug(clone, "media")
	d.refused("older-double", "plug-in")

	// Chosen anew it is a second copy, with its own list.
	d.choose(media + "/backup")
	second := d.backup()
	if second.BagID == first.BagID || bagOf(second.BagID) != bagOf(first.BagID) {
		t.Errorf("two disks with copies %q and %q", first.BagID, second.BagID)
	}
	if c := d.look().Copy; c.Items != 3 || c.Unread != 3 {
		t.Errorf("the second copy before it was read back: %+v", c)
	}
	eventually(t, "the second copy read back in full", func() bool {
		d.verify()
		d.backup()
		return sound(d.look().Copy)
	})
	c := d.look().Copy
	if !sound(c) || c.Items != 3 || c.BagID != second.BagID {
		t.Errorf("the second copy: %+v", c)
	}

	// Both at once cannot be told apart for certain.
	d.plug(image, "first")
	d.refused("two-disks", "unplug")
	d.unplug(media)
	d.refused("older-double", "plug-in")

	// The first is as it was left, and nothing was read for it.
	d.choose(filepath.Join(d.session.Root, "first", "backup"))
	if again := d.backup(); again.BagID != bagOf(first.BagID) || again.Done != 0 {
		t.Errorf("the first disk again: %+v", again)
	}
	if c := d.look().Copy; c.Items != 3 || c.Unread != 0 {
		t.Errorf("the first disk again: %+v", c)
	}

	// An equal clone counts once every byte was read back from it, and the disk
	// that it was made of no longer does.
	firstAt := filepath.Join(d.session.Root, "first")
	d.unplug(firstAt)
	equal := filepath.Join(d.session.Root, "equal.img")
	do(t, "cp", image, equal)
	d.plug(equal, "first")
	if c := d.look().Copy; !c.Present || c.Unread != 3 {
		t.Errorf("an equal clone before it was read back: %+v", c)
	}
	d.verify()
	if c := d.look().Copy; !sound(c) || c.ReadBack.Items != 3 || c.ReadBack.Stood != 0 {
		t.Errorf("an equal clone that was read back: %+v", c)
	}
	d.unplug(firstAt)
	d.plug(image, "first")
	d.refused("older-double", "plug-in")
}

func TestADiskThatIsFullNamesItself(t *testing.T) {
	d, _ := diskDesk(t, 8)
	big := filepath.Join(d.session.Root, "files", "big")
	// Not larger than the disk, which would fail alone.
	must(t, os.WriteFile(big, bytes.Repeat([]byte("full"), 1<<20), 0o600))
	must(t, os.WriteFile(filepath.Join(d.session.Root, "media", "film"), bytes.Repeat([]byte("film"), 1<<20), 0o600))
	if c := d.look().Copy; c.Need <= c.Free || c.DiskName != "Photos-Disk" {
		t.Errorf("needs %d of %d free on %q", c.Need, c.Free, c.DiskName)
	}
	_, err := d.Backup(t.Context(), d.job, quiet)
	var blocked *engine.BlockedError
	if !errors.As(err, &blocked) || blocked.Why.Code != "full" || !strings.Contains(blocked.Why.Text, "Photos-Disk is full: ") {
		t.Errorf("%v", err)
	}
}

func TestABeginningThatACrashCutShort(t *testing.T) {
	d, _ := diskDesk(t, 8)
	d.backup()
	b, err := d.openBag(d.job, false)
	must(t, err)
	// Killed after it was noted here, and before it was written there.
	next := b.mark.Next()
	b.state.Mark, b.state.Next = b.mark, &next
	must(t, d.keepCopy(b.key, &b.state))
	must(t, b.Close())
	b, err = d.openBag(d.job, false)
	must(t, err)
	// Killed after it was written there.
	must(t, b.SetMark(next))
	must(t, b.Close())
	b, err = d.openBag(d.job, false)
	must(t, err)
	must(t, d.begin(b))
	if b.mark.Run != next.Run+1 || b.mark.Copy != next.Copy {
		t.Errorf("%+v after %+v", b.mark, next)
	}
	must(t, b.SetMark(next)) // an older run's
	must(t, b.Close())
	var clone *cloneError
	if _, err := d.openBag(d.job, false); !errors.As(err, &clone) {
		t.Errorf("an older mark: %v", err)
	}
}
