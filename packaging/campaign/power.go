package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// errNoLoop says that this machine mounts no images.
var errNoLoop = errors.New("no loop device can be mounted here (it takes root and /dev/loop-control)")

// volume is an ext4 file system in a file.
type volume struct{ file, at string }

func newImage(dir string, size int64) (*volume, error) {
	m := &volume{file: filepath.Join(dir, "disk.img"), at: filepath.Join(dir, "mnt")}
	f, err := os.Create(m.file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(size), f.Close(), os.MkdirAll(m.at, 0o700)); err != nil {
		return nil, err
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", m.file).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mkfs.ext4: %w: %s", err, firstLine(out))
	}
	return m, m.mount()
}

func (m *volume) mount() error {
	if out, err := exec.Command("mount", "-o", "loop", m.file, m.at).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", errNoLoop, firstLine(out))
	}
	return nil
}

// remount is what a new start sees of the disk. While anybody else still has the
// old file system mounted, in a mount namespace that was made meanwhile, mounting
// the image again gives that one, which the power cut has ended: every call on it
// is EIO. Then the bytes of the image are mounted as a disk of their own.
func (m *volume) remount() error {
	if err := m.unmount(); err != nil {
		return err
	}
	held, err := m.held()
	if err != nil {
		return err
	}
	if held {
		if out, err := exec.Command("cp", "--sparse=always", m.file, m.file+".new").CombinedOutput(); err != nil {
			return fmt.Errorf("cp: %w: %s", err, firstLine(out))
		}
		if err := os.Rename(m.file+".new", m.file); err != nil {
			return err
		}
	}
	return m.mount()
}

// held reports whether a loop device still has the image.
func (m *volume) held() (bool, error) {
	devices, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return false, err
	}
	for _, d := range devices {
		text, err := os.ReadFile(d)
		if err != nil {
			continue // it was given back meanwhile
		}
		if strings.TrimSuffix(string(text), "\n") == m.file {
			return true, nil
		}
	}
	return false, nil
}

func (m *volume) unmount() error {
	if out, err := exec.Command("umount", m.at).CombinedOutput(); err != nil {
		return fmt.Errorf("umount: %w: %s", err, firstLine(out))
	}
	return nil
}

// cutPower cuts the power of the copy's disk at random calls. In every other
// home the ledger lies on the same disk, as on a laptop with one.
func cutPower(ctx context.Context, c *course) error {
	for i := 0; c.result.Cycles < c.cycles; i++ {
		if err := c.powerless(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// powerless is the life of one disk.
func (c *course) powerless(ctx context.Context, n int) (err error) {
	dir := filepath.Join(c.dir, fmt.Sprint("home", n))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	m, err := newImage(dir, 256<<20)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.unmount(), os.Remove(m.file)) }()
	state := filepath.Join(dir, "state")
	if n%2 == 1 {
		state = filepath.Join(m.at, "state")
	}
	h, err := newHome(filepath.Join(dir, "Pictures"), state, m.at)
	if err != nil {
		return err
	}
	if err := syncDisk(m.at); err != nil {
		return err
	}
	calls := int64(200)
	for i := 0; i < rounds && c.result.Cycles < c.cycles; i++ {
		if calls, err = c.cut(ctx, h, m, i, calls); err != nil {
			return err
		}
	}
	return nil
}

// cut is one cycle. It returns how many calls a run makes.
func (c *course) cut(ctx context.Context, h *home, m *volume, i int, calls int64) (int64, error) {
	if err := h.add(c.rng, 20, min(i, 3)); err != nil {
		return calls, err
	}
	before, err := h.lostYet()
	if err != nil {
		return calls, fmt.Errorf("before round %d: %w", i, err)
	}
	o := order{Home: *h, CutAt: 1 + c.rng.Int64N(calls)}
	d, err := o.run(ctx, 0)
	if err != nil {
		return calls, err
	}
	if !d.killed {
		c.result.Clean++
		return max(d.calls, 20), nil
	}
	if err := m.remount(); err != nil {
		return calls, err
	}
	c.judge("survived", fmt.Sprintf("power cut at call %d, round %d", o.CutAt, i), h.survived(ctx, before, d.acknowledged))
	if c.rng.IntN(2) == 0 {
		if err := h.completes(ctx); err != nil {
			c.broke("completed", "after a power cut in round %d: %v", i, err)
		}
	}
	return calls, nil
}

// lostYet is what is missing, of a copy that need not exist yet: looking at
// it must not make it.
func (h *home) lostYet() (map[version]bool, error) {
	if _, err := os.Stat(h.bag()); errors.Is(err, os.ErrNotExist) {
		return h.versions()
	}
	return h.missing()
}

func syncDisk(at string) error {
	if out, err := exec.Command("sync", "-f", at).CombinedOutput(); err != nil {
		return fmt.Errorf("sync: %w: %s", err, firstLine(out))
	}
	return nil
}
