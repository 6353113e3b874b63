package tasks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/eds"
)

// compareFolder hashes every file beneath a folder, whatever the restore says it
// wrote, and holds name, bytes and time against the copy.
func compareFolder(folder string) func(context.Context, []drilled, *engine.DrillPart) error {
	return func(ctx context.Context, items []drilled, out *engine.DrillPart) error {
		found, err := hashTree(ctx, folder)
		if err != nil {
			return err
		}
		expected := map[string]bool{}
		for _, d := range items {
			expected[d.where] = true
			f, ok := found[d.where]
			switch {
			case !ok:
				out.Missing++
				example(out, d.it.Title(), "it was restored, and is not there")
			case f.sum != d.it.SHA256:
				out.Differ++
				example(out, d.it.Title(), "its bytes are not those of the copy")
			case !d.it.ModTime.IsZero() && f.mtime != d.it.ModTime.UnixNano():
				out.Differ++
				example(out, d.it.Title(), "its time is not that of the copy")
			default:
				out.Compared++
			}
		}
		for name := range found {
			if !expected[name] {
				out.Strange++
				example(out, name, "it is not in the copy")
			}
		}
		return nil
	}
}

type hashed struct {
	sum   [32]byte
	mtime int64
	size  int64
}

func hashTree(ctx context.Context, folder string) (map[string]hashed, error) {
	found := map[string]hashed{}
	err := filepath.WalkDir(folder, func(at string, e fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, at)
		if err != nil {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		h := hashed{mtime: st.ModTime().UnixNano(), size: st.Size()}
		if st.Mode().IsRegular() {
			if h.sum, err = hashAt(at); err != nil {
				return err
			}
		}
		found[name] = h
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // nothing was selected
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what was restored: %w", err)
	}
	return found, nil
}

func hashAt(at string) (sum [32]byte, err error) {
	f, err := os.Open(at)
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	h.Sum(sum[:0])
	return sum, errors.Join(err, f.Close())
}

// treeState is equal while no file of a folder changes.
func treeState(folder string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		found, err := hashTree(ctx, folder)
		if err != nil {
			return "", err
		}
		lines := make([]string, 0, len(found))
		for name, f := range found {
			lines = append(lines, fmt.Sprintf("%q %d %d %x", name, f.size, f.mtime, f.sum))
		}
		return digestOf(lines), nil
	}
}

func digestOf(lines []string) string {
	slices.Sort(lines)
	h := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(h[:])
}

// fileState is equal while a file, and those beside it, stay as they are.
func fileState(at string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		names, err := filepath.Glob(strings.TrimSuffix(at, filepath.Ext(at)) + "*")
		if err != nil {
			return "", err
		}
		var lines []string
		for _, n := range names {
			sum, err := hashAt(n)
			if err != nil {
				return "", err
			}
			lines = append(lines, fmt.Sprintf("%s %x", n, sum))
		}
		return digestOf(lines), nil
	}
}

// compareFile reads a .vcf or .ics file anew and looks for each object of the
// copy in it.
func compareFile(at string) func(context.Context, []drilled, *engine.DrillPart) error {
	return func(ctx context.Context, items []drilled, out *engine.DrillPart) error {
		have, err := objectsAt(at)
		if err != nil {
			return err
		}
		return compareObjects(ctx, items, out, have, func(have, want string) bool {
			if strings.HasSuffix(at, ".vcf") {
				return source.Holds(source.ContactSays([]byte(have)), source.ContactSays([]byte(want)))
			}
			// As the file itself tells one object from another: what differs at the server
			// and on a phone is there twice.
			return slices.Equal(source.CalendarSays([]byte(have)), source.CalendarSays([]byte(want)))
		})
	}
}

func objectsAt(at string) (map[string]string, error) {
	have := map[string]string{}
	raw, err := os.ReadFile(at)
	if errors.Is(err, fs.ErrNotExist) {
		return have, nil
	}
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(at, ".vcf") {
		for card, err := range source.VCards(strings.NewReader(string(raw))) {
			if err = errors.Join(err, card.Err); err != nil {
				return nil, err
			}
			have[card.ID()] = string(card.Raw)
		}
		return have, nil
	}
	list, err := source.SplitCalendar(raw)
	for i := range list {
		have[list[i].ID()] = string(list[i].Raw)
	}
	return have, err
}

// compareObjects looks for each object of the copy among those that a target
// has, by UID: under its own, or under one made of it where another object has
// that.
func compareObjects(ctx context.Context, items []drilled, out *engine.DrillPart, have map[string]string, holds func(have, want string) bool) error {
	beside := map[string][]string{}
	for uid := range have {
		for i := range uid {
			if uid[i] == '-' {
				beside[uid[:i]] = append(beside[uid[:i]], uid)
			}
		}
	}
	met := map[string]bool{}
	for _, d := range items {
		objects, err := objectsOf(ctx, d.it)
		if err != nil {
			return err
		}
		whole, there := true, true
		for i := range objects {
			uid, found := foundAs(&objects[i], have, beside[objects[i].UID], holds)
			met[uid] = true
			whole = whole && found
			there = there && have[uid] != ""
		}
		switch {
		case whole:
			out.Compared++
		case there:
			out.Differ++
			example(out, d.it.Title(), "it is not as it is in the copy")
		default:
			out.Missing++
			example(out, d.it.Title(), "it was restored, and is not there")
		}
	}
	for uid := range have {
		if !met[uid] {
			out.Strange++
			example(out, uid, "it is not in the copy, or there twice")
		}
	}
	return nil
}

func foundAs(o *restore.Object, have map[string]string, beside []string, holds func(have, want string) bool) (uid string, found bool) {
	for _, uid := range append([]string{o.UID}, beside...) {
		want := o.Raw
		if uid != o.UID {
			want = o.As(uid).Raw
		}
		if text, ok := have[uid]; ok && holds(text, string(want)) {
			return uid, true
		}
	}
	return o.UID, false
}

// bookCheck reads the books of a drill.
type bookCheck struct{ eds *eds.Client }

// compare fetches everything that the books hold and looks for each object of
// the copy.
func (c *bookCheck) compare(ctx context.Context, items []drilled, out *engine.DrillPart) error {
	have := map[string]string{}
	stores, err := c.stores(ctx)
	if err != nil {
		return err
	}
	for _, src := range stores {
		err := c.with(ctx, src.UID, func(s *eds.Store, l eds.Listing) error {
			got, err := s.Fetch(ctx, l.UIDs(), func(it eds.Item) error {
				data, err := s.Embedded(it.Data)
				have[it.UID] = data
				return err
			})
			if err == nil && len(got.Failed) > 0 {
				err = got.Failed[0].Err
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return compareObjects(ctx, items, out, have, eds.Holds)
}

// stores are the books of a session that the drill made.
func (c *bookCheck) stores(ctx context.Context) (list []eds.Source, err error) {
	all, err := c.eds.Sources(ctx)
	if err != nil {
		return nil, &restore.TargetError{Err: err}
	}
	for _, s := range all {
		if s.Kind.Holds() && s.Local && s.Enabled && s.Evidence() == eds.EvidenceOrigin {
			list = append(list, s)
		}
	}
	return list, nil
}

func (c *bookCheck) with(ctx context.Context, uid string, f func(*eds.Store, eds.Listing) error) (err error) {
	s, err := c.eds.Open(ctx, uid)
	if err != nil {
		return &restore.TargetError{Err: err}
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	l, err := s.Keys(ctx)
	if err != nil {
		return &restore.TargetError{Err: err}
	}
	return f(s, l)
}

// state is equal while no book changes.
func (c *bookCheck) state(ctx context.Context) (string, error) {
	stores, err := c.stores(ctx)
	if err != nil {
		return "", err
	}
	var lines []string
	for _, src := range stores {
		err := c.with(ctx, src.UID, func(_ *eds.Store, l eds.Listing) error {
			lines = append(lines, src.UID+" "+l.Digest)
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return digestOf(lines), nil
}
