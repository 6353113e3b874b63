package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/verify"
)

// damage damages the copy in one way after the other, and expects that reading
// it back names what was hit. Every tenth time the next run must mend it too.
func damage(ctx context.Context, c *course) error {
	const lives = 500 // attacks on one copy
	names := slices.Sorted(maps.Keys(harms))
	for n := 0; c.result.Cycles < c.cycles; n++ {
		v, err := newVictim(ctx, c, filepath.Join(c.dir, fmt.Sprint("home", n)))
		if err != nil {
			return err
		}
		for i := 0; i < lives && c.result.Cycles < c.cycles; i++ {
			name := names[c.result.Cycles%len(names)]
			if err := v.attack(ctx, c, name, i%10 == 9); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	c.note("kinds of damage, in turn: %s", strings.Join(names, ", "))
	c.note("an earlier version of a picture that changed, gone with every line that spoke of it (%s), leaves no trace to find: the newest one is what must be found", strings.Join(traceless, ", "))
	return nil
}

// victim is a copy that is damaged and put right again.
type victim struct {
	*home
	sound tree // the copy as it should be
	older tree // as it was one run before
}

func newVictim(ctx context.Context, c *course, at string) (*victim, error) {
	h, err := newHome(filepath.Join(at, "Pictures"), filepath.Join(at, "state"), filepath.Join(at, "disk"))
	if err != nil {
		return nil, err
	}
	v := &victim{home: h}
	if err := errors.Join(h.add(c.rng, 50, 0), h.completes(ctx)); err != nil {
		return nil, err
	}
	if v.older, err = readTree(h.bag()); err != nil {
		return nil, err
	}
	if err := errors.Join(h.add(c.rng, 30, 4), h.completes(ctx)); err != nil {
		return nil, err
	}
	v.sound, err = readTree(h.bag())
	return v, err
}

// attack does one harm, looks whether it is found, and puts the copy right.
func (v *victim) attack(ctx context.Context, c *course, name string, mend bool) error {
	hit, err := harms[name](v, c)
	if err != nil {
		return err
	}
	unnamed, err := v.unnamed(ctx, name, hit)
	if err != nil {
		return err
	}
	var found error
	if len(unnamed) > 0 {
		found = fmt.Errorf("nothing names %s", strings.Join(unnamed, ", "))
	}
	if mend && (found == nil || name == "list") && name != "older copy" {
		if err := v.completes(ctx); err != nil {
			found = fmt.Errorf("the next run does not mend %s: %w", strings.Join(hit, ", "), err)
		}
	}
	c.judge(name, fmt.Sprintf("%s in attack %d", name, c.result.Cycles), found)
	if err := v.sound.restore(v.bag()); err != nil {
		return err
	}
	if mend {
		if err := v.completes(ctx); err != nil {
			return err
		}
		v.sound, err = readTree(v.bag())
	}
	return err
}

// unnamed are those of the files hit that reading back does not name. A copy
// that cannot be opened any more is named as a whole.
func (v *victim) unnamed(ctx context.Context, name string, hit []string) (left []string, err error) {
	err = v.with(func(b *bag.Bag, l *ledger.Ledger) error {
		r, err := verify.Run(ctx, b, l, verify.Options{})
		if err != nil {
			return err
		}
		named := map[string]bool{}
		if len(b.Recovered().Lists) > 0 { // one list contradicts another: either may be the damaged one
			for _, list := range lists {
				named[list] = true
			}
		}
		for _, p := range r.Problems {
			named[p.Path] = true
		}
		e, err := verify.RunEarlier(ctx, b, l)
		if err != nil {
			return err
		}
		for _, p := range e.Problems {
			named[p.Path] = true
		}
		if slices.Contains(traceless, name) {
			if hit, err = kept(l, hit); err != nil {
				return err
			}
		}
		for _, at := range hit {
			if !named[at] {
				left = append(left, at)
			}
		}
		return e.PutAside(b)
	})
	if na, ok := errors.AsType[*bag.NotABagError](err); ok && na.Why != "" {
		return nil, nil
	}
	return left, err
}

// kept are the files that the ledger holds.
func kept(l *ledger.Ledger, files []string) (list []string, err error) {
	held := map[string]bool{}
	for e, err := range l.All() {
		if err != nil {
			return nil, err
		}
		held[e.Path] = true
	}
	return slices.DeleteFunc(slices.Clone(files), func(at string) bool { return !held[at] }), nil
}

// tree is the files of a folder, by their path.
type tree map[string]leaf

type leaf struct {
	data []byte
	mode fs.FileMode
	at   time.Time
}

func readTree(root string) (tree, error) {
	t := tree{}
	err := filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(at)
		rel, _ := filepath.Rel(root, at)
		t[rel] = leaf{data, info.Mode().Perm(), info.ModTime()}
		return err
	})
	return t, err
}

// restore makes a folder what the tree says, touching only what differs.
func (t tree) restore(root string) error {
	now, err := readTree(root)
	if err != nil {
		return err
	}
	for at := range now {
		if _, ok := t[at]; !ok {
			if err := os.Remove(filepath.Join(root, at)); err != nil {
				return err
			}
		}
	}
	for at, l := range t {
		if is, ok := now[at]; ok && bytes.Equal(is.data, l.data) {
			continue
		}
		if err := l.write(filepath.Join(root, at)); err != nil {
			return err
		}
	}
	return nil
}

// write puts a file in place of whatever is there.
func (l leaf) write(at string) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		return err
	}
	if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(os.WriteFile(at, l.data, l.mode), os.Chtimes(at, l.at, l.at))
}
