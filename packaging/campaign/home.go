package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/verify"
)

// home is a person's pictures, the copy of them, and the agent's ledger.
type home struct {
	Pictures string // the source
	State    string // the ledger's folder
	Disk     string // the copy lies beneath it

	made   int
	folder string                    // the copy's name; empty: "copy"
	wrap   func(disk.Root) disk.Root // around the copy's file system and the ledger's
}

var photos = source.Ref{Account: "nextcloud:alice@example.org", Dataset: source.Photos, Source: "/home/alice/Pictures"}

// newHome makes the folders that are not there.
func newHome(pictures, state, disk string) (*home, error) {
	for _, d := range []string{pictures, state, disk} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	return &home{Pictures: pictures, State: state, Disk: disk}, nil
}

func (h *home) bag() string { return filepath.Join(h.Disk, cmp.Or(h.folder, "copy")) }

// later is a clock by which every stamp made so far has settled.
func later() time.Time { return time.Now().Add(time.Minute) }

// add writes new pictures and changes some of those that are there.
func (h *home) add(rng *rand.Rand, fresh, changed int) error {
	for range fresh {
		if err := h.write(h.made, rng); err != nil {
			return err
		}
		h.made++
	}
	for range changed {
		i := rng.IntN(h.made)
		if i%20 == twin {
			i--
		}
		if err := h.write(i, rng); err != nil {
			return err
		}
	}
	return nil
}

// twin, of twenty, is the picture that equals others and never changes.
const twin = 8

// write makes a picture, or makes it anew: most are small, some large enough to
// be made durable alone, and some equal.
func (h *home) write(i int, rng *rand.Rand) error {
	at := filepath.Join(h.Pictures, fmt.Sprintf("%04d", i%5), fmt.Sprintf("IMG_%05d.jpg", i))
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		return err
	}
	size := 1 + rng.IntN(4000)
	switch i % 20 {
	case 7:
		size = 2 << 20
	case twin:
		return os.WriteFile(at, small, 0o600)
	}
	// A picture with what some cameras put behind it.
	data := append(make([]byte, 0, len(small)+size), small...)
	for range size {
		data = append(data, byte(rng.Uint32()))
	}
	return os.WriteFile(at, data, 0o600)
}

// small is a whole JPEG, as small as they get.
var small = func() []byte {
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
		panic(err)
	}
	return buf.Bytes()
}()

// version is one content of one picture.
type version struct {
	id  string
	sum [32]byte
}

// versions are the pictures as they are.
func (h *home) versions() (map[version]bool, error) {
	all := map[version]bool{}
	err := filepath.WalkDir(h.Pictures, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(at)
		id, _ := filepath.Rel(h.Pictures, at)
		all[version{id, sha256.Sum256(data)}] = true
		return err
	})
	return all, err
}

// open opens ledger and copy, making the copy if there is none.
func (h *home) open() (*bag.Bag, *ledger.Ledger, error) {
	l, err := h.ledger()
	if err != nil {
		return nil, nil, err
	}
	o := bag.Options{Wrap: h.wrap}
	b, err := bag.Open(h.bag(), o)
	if errors.Is(err, fs.ErrNotExist) {
		b, err = bag.Create(h.Disk, "copy", o)
	}
	if err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	return b, l, nil
}

func (h *home) ledger() (*ledger.Ledger, error) {
	if h.wrap == nil {
		return ledger.Open(h.State)
	}
	root, err := disk.Open(h.State)
	if err != nil {
		return nil, err
	}
	return ledger.OpenRoot(h.wrap(root), h.State)
}

// with opens ledger and copy for a while.
func (h *home) with(use func(*bag.Bag, *ledger.Ledger) error) error {
	b, l, err := h.open()
	if err != nil {
		return err
	}
	err = use(b, l)
	return errors.Join(err, b.Close(), l.Close())
}

// copy makes one run.
func (h *home) copy(ctx context.Context, b *bag.Bag, l *ledger.Ledger, progress func(copy.Progress)) (copy.Report, error) {
	root, err := scan.Open(h.Pictures)
	if err != nil {
		return copy.Report{}, err
	}
	defer root.Close()
	f := source.Folder{Ref: photos, Root: root, Folder: "Pictures", Now: later}
	return copy.Run(ctx, b, l, f.Items(ctx), copy.Options{Now: later, Sources: []source.Ref{photos}, Progress: progress})
}

// completes makes a run that must complete, and holds everything to its promise.
func (h *home) completes(ctx context.Context) error {
	err := h.with(func(b *bag.Bag, l *ledger.Ledger) error {
		r, err := h.copy(ctx, b, l, nil)
		if err == nil && r.Outcome != copy.Complete {
			err = fmt.Errorf("the next run is %s: %d failed, %d incomplete", r.Outcome, r.Failed, len(r.Incomplete))
		}
		if err != nil {
			return err
		}
		if err := h.covered(ctx, l); err != nil {
			return err
		}
		return whole(ctx, b, l)
	})
	if err != nil {
		return err
	}
	return h.sha256sum()
}

// covered is an error unless every picture, as it is, is held.
func (h *home) covered(ctx context.Context, l *ledger.Ledger) error {
	root, err := scan.Open(h.Pictures)
	if err != nil {
		return err
	}
	defer root.Close()
	f := source.Folder{Ref: photos, Root: root, Folder: "Pictures", Now: later}
	c, err := copy.Cover(l, f.Items(ctx))
	if err == nil && !c.Whole() {
		err = fmt.Errorf("of %d pictures %d are held", c.Listed, c.Covered)
	}
	return err
}

// whole is an error unless everything that the ledger holds reads back right.
func whole(ctx context.Context, b *bag.Bag, l *ledger.Ledger) error {
	r, err := verify.Run(ctx, b, l, verify.Options{})
	if err == nil && !r.Whole() {
		err = fmt.Errorf("of %d items %d read back right; the first: %s %s %v", r.Items, r.OK, r.Problems[0].Path, r.Problems[0].Status, r.Problems[0].Err)
	}
	return err
}

// sha256sum checks the copy as anyone would. A copy that was not born yet is
// none.
func (h *home) sha256sum() error {
	if _, err := os.Stat(h.bag()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := h.check(manifest); err != nil {
		return err
	}
	// A run takes this one away before it changes what it speaks of, and the agent
	// may go on by itself meanwhile: what was taken away says nothing.
	var wrong error
	for range 100 {
		before, err := os.Stat(filepath.Join(h.bag(), tags))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if wrong = h.check(tags); wrong == nil {
			return nil
		}
		after, err := os.Stat(filepath.Join(h.bag(), tags))
		if err == nil && os.SameFile(before, after) && before.ModTime().Equal(after.ModTime()) {
			break
		}
	}
	return wrong
}

func (h *home) check(list string) error {
	cmd := exec.Command("sha256sum", "-c", "--strict", "--quiet", list)
	cmd.Dir = h.bag()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sha256sum -c %s: %w: %s", list, err, firstLine(out))
	}
	return nil
}

func firstLine(out []byte) string {
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// held are the versions that the copy has, by its own lists.
func held(b *bag.Bag) (map[version]bool, error) {
	all := map[version]bool{}
	for r, err := range b.Items() {
		if err != nil {
			return nil, err
		}
		all[version{r.ID, r.SHA256}] = true
	}
	for r, err := range b.Waiting() {
		if err != nil {
			return nil, err
		}
		all[version{r.ID, r.SHA256}] = true
	}
	return all, nil
}
