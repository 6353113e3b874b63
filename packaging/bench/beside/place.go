package beside

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Place is the folder beneath which file systems and corpora are made.
type Place struct {
	Dir string
	// Images: each volume is an ext4 image on a loop device; else a folder.
	Images bool
	// Why there are no images.
	Why string
	// Keep: copies stay on disk, for somebody to look at.
	Keep bool
	// whole: the caches of the whole system may be emptied.
	whole bool
	lock  *os.File
	used  []string // folders of ended volumes, removed by Close
	next  int
	rest  time.Duration // how long a new corpus rests
	// scratch is the image that every trial's file system is made on anew.
	scratch string
	written int64 // bytes of it
}

// Open takes a folder for this run alone, and takes down what a run that was
// killed left mounted there.
func Open(ctx context.Context, dir string) (p *Place, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("cannot use %s: another run is using it (%v)", dir, err)
	}
	p = &Place{Dir: dir, rest: 3 * time.Second, whole: os.Geteuid() == 0, lock: lock, scratch: filepath.Join(dir, "scratch.img")}
	if err := p.unmountAll(); err != nil {
		return nil, err
	}
	if !p.whole {
		p.Why = "not root"
		return p, nil
	}
	p.Images = true
	v, err := p.Volume(ctx, 16<<20, 64)
	if err == nil {
		err = v.Close()
	}
	if err != nil {
		p.Images, p.Why = false, err.Error()
		return p, nil
	}
	return p, nil
}

// Files says what the copies lie on.
func (p *Place) Files() string {
	if p.Images {
		return "an ext4 made anew for each trial, on a loop device with direct I/O over one image that was written in full before"
	}
	return "folders of one file system, kept to the end (" + p.Why + ")"
}

// unmountAll takes down every mount beneath the folder, the newest first.
func (p *Place) unmountAll() error {
	mounted, err := p.mounted()
	errs := []error{err}
	for _, at := range slices.Backward(mounted) {
		errs = append(errs, unix.Unmount(at, 0))
	}
	return errors.Join(errs...)
}

// mounted lists what is mounted beneath the folder, the oldest first.
func (p *Place) mounted() (found []string, err error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(mounts)) {
		if at := unescape(strings.Fields(line)[1]); strings.HasPrefix(at, p.Dir+"/") {
			found = append(found, at)
		}
	}
	return found, nil
}

// unescape reads a path of /proc/self/mounts (proc_pid_mounts(5)).
func unescape(at string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(at)
}

// Close gives the folder back. Only what it keeps for the next run stays.
func (p *Place) Close() error {
	errs := []error{p.unmountAll()}
	for _, dir := range p.used {
		errs = append(errs, os.RemoveAll(dir))
	}
	if err := os.Remove(p.scratch); !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, p.lock.Close())...)
}
