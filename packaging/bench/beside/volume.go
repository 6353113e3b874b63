package beside

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Volume is a file system of its own, empty, mounted at At.
type Volume struct {
	At     string
	place  *Place
	image  string // empty: At is a folder
	device string // the loop device
	keep   bool   // of a corpus: it stays for the next run
}

// Volume makes one with room for size bytes and so many files. One stands at a
// time.
func (p *Place) Volume(ctx context.Context, size int64, files int) (*Volume, error) {
	p.next++
	v := &Volume{At: filepath.Join(p.Dir, fmt.Sprintf("volume-%d-%d", os.Getpid(), p.next)), place: p, keep: p.Keep}
	switch {
	case !p.Images:
		return v, os.Mkdir(v.At, 0o755)
	case p.Keep:
		v.image = v.At + ".img"
		return v, v.make(ctx, size, files)
	}
	if err := p.write(ctx, size); err != nil {
		return nil, err
	}
	v.image = p.scratch
	return v, v.make(ctx, size, files)
}

// write makes the scratch image at least as long as size. It is written in full,
// so that no trial pays for the room that the image takes beneath it.
func (p *Place) write(ctx context.Context, size int64) (err error) {
	if p.written >= size {
		return nil
	}
	f, err := os.OpenFile(p.scratch, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	zeros := make([]byte, 4<<20)
	for p.written < size {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n, err := f.WriteAt(zeros, p.written)
		p.written += int64(n)
		if err != nil {
			return err
		}
	}
	return f.Sync()
}

// make makes the file system and mounts it. Nothing is written behind our back
// later: the inode tables are left as they are, for the kernel goes by what is
// marked as unused.
func (v *Volume) make(ctx context.Context, size int64, files int) error {
	f, err := os.OpenFile(v.image, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if info, serr := f.Stat(); serr == nil && info.Size() < size {
		err = f.Truncate(size)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := tell(ctx, "mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-N", fmt.Sprint(files),
		"-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0", v.image, fmt.Sprint(size/1024)+"k"); err != nil {
		return err
	}
	if err := os.Mkdir(v.At, 0o755); err != nil {
		return err
	}
	if err := v.mount(ctx, "noinit_itable"); err != nil {
		return errors.Join(err, os.Remove(v.At))
	}
	return nil
}

// mount mounts the image on a loop device with direct I/O: what is written is
// not held in memory twice.
func (v *Volume) mount(ctx context.Context, options string) error {
	out, err := exec.CommandContext(ctx, "losetup", "--find", "--show", "--direct-io=on", v.image).Output()
	if err != nil {
		return fmt.Errorf("losetup: %w", err)
	}
	v.device = strings.TrimSpace(string(out))
	if err := tell(ctx, "mount", "-o", "noatime,"+options, v.device, v.At); err != nil {
		return errors.Join(err, tell(context.WithoutCancel(ctx), "losetup", "-d", v.device))
	}
	// The device goes with the mount, however that ends.
	return tell(context.WithoutCancel(ctx), "losetup", "-d", v.device)
}

// Close takes it down. A copy in a folder stays until the end of the run.
func (v *Volume) Close() error {
	if v.image == "" {
		if !v.keep {
			v.place.used = append(v.place.used, v.At)
		}
		return nil
	}
	err := unix.Unmount(v.At, 0)
	if errors.Is(err, unix.EBUSY) { // a process that was killed may still be ending
		err = unix.Unmount(v.At, unix.MNT_DETACH)
	}
	return errors.Join(err, os.Remove(v.At))
}

// tell runs a small program of the system.
func tell(ctx context.Context, program string, args ...string) error {
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(string(out)))
	}
	return nil
}
