package restore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/source"
)

// blob is what becomes a file.
type blob struct {
	size    int64
	room    int64 // to ask for: as much as there is to be had
	proven  bool  // by the ledger
	sum     [32]byte
	modTime time.Time
	copyTo  func(context.Context, io.Writer) error
}

func (it *Item) blob() blob {
	b := blob{size: it.Size, sum: it.SHA256, modTime: it.ModTime, copyTo: it.CopyTo, proven: it.Proof == ByLedger}
	if it.whole() {
		b.room = it.Size
	}
	return b
}

// put brings one item to its place. The error is the target's or ctx's.
func (w *folderRun) put(ctx context.Context, it *Item) (Result, error) {
	if it.bad != nil {
		return Fail(it.bad), nil // before a name of it is made
	}
	res, err := w.putAs(ctx, it.blob(), it.Names())
	if err != nil || res.State == Failed || w.plain || it.Dataset != source.Notes || !strings.HasSuffix(strings.ToLower(it.Path), ".ics") {
		return res, err
	}
	return res, w.putMemo(ctx, it)
}

func (w *folderRun) putAs(ctx context.Context, b blob, names []string) (Result, error) {
	res, err := w.try(ctx, b, names)
	if err == nil || !unnameable(err) {
		return settle(res, err)
	}
	safe := make([]string, len(names))
	for i, n := range names {
		safe[i] = bag.Sanitise(n)
	}
	return settle(w.try(ctx, b, safe))
}

// unnameable reports whether a file system refuses a name. FAT knows none that is
// made of dots.
func unnameable(err error) bool {
	return errors.Is(err, fs.ErrInvalid) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EILSEQ) || errors.Is(err, syscall.ENAMETOOLONG)
}

// settle tells an error of the item from one of the whole target.
func settle(res Result, err error) (Result, error) {
	if err == nil {
		return res, nil
	}
	if e, ok := errors.AsType[*ItemError](err); ok {
		return Result{State: Failed, Err: e}, nil
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return res, err
	case errors.Is(err, syscall.EFBIG):
		return failed(TooLarge, err), nil
	case errors.Is(err, disk.ErrLink), errors.Is(err, disk.ErrNotRegular), errors.Is(err, fs.ErrPermission),
		errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP), unnameable(err):
		return failed(Refused, err), nil
	}
	return res, &TargetError{err}
}

// try puts a blob under these names, or beside them.
func (w *folderRun) try(ctx context.Context, b blob, names []string) (Result, error) {
	dir, err := w.folder(names[:len(names)-1])
	if err != nil {
		return Result{}, err
	}
	base := names[len(names)-1]
	own := dir + "/" + base
	other := dir + "/" + withSuffix(base, "~restored-"+hex.EncodeToString(b.sum[:8]))
	for _, at := range []string{own, other} {
		has, err := w.placeAt(ctx, b, at)
		if err != nil {
			return Result{}, err
		}
		switch {
		case has == nothing && at == own:
			return Result{State: Written, Where: at}, nil
		case has == nothing:
			return Result{State: Beside, Where: at}, nil
		case has == itself:
			return Result{State: Already, Where: at}, nil
		}
	}
	return failed(Conflict, fmt.Errorf("%q and %q are both taken by something else", own, other)), nil
}

// occupant is what a name had before we came.
type occupant int

const (
	nothing   occupant = iota // and so it is ours now
	itself                    // the same bytes
	something                 // else
)

// placeAt puts a blob at a name if it is free, and says what the name had.
func (w *folderRun) placeAt(ctx context.Context, b blob, at string) (occupant, error) {
	has, err := w.look(ctx, b, at)
	if err != nil || has != nothing {
		return has, err
	}
	placed, err := w.write(ctx, b, at)
	if err != nil || placed {
		return nothing, err
	}
	// Somebody took the name meanwhile, or has it in another case.
	if has, err = w.look(ctx, b, at); has == nothing {
		has = something
	}
	return has, err
}

// look says what a name has.
func (w *folderRun) look(ctx context.Context, b blob, at string) (occupant, error) {
	if w.dry {
		w.mu.Lock()
		sum, taken := w.claims[at]
		w.mu.Unlock()
		if taken && sum == b.sum {
			return itself, nil
		} else if taken {
			return something, nil
		}
	}
	st, err := w.lstat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nothing, nil
	case err != nil:
		return something, err
	case !st.Mode.IsRegular(), st.Size != b.size:
		return something, nil
	}
	f, err := w.root.Open(at)
	if err != nil {
		return something, nil //nolint:nilerr // what cannot be read is not ours, whatever it is
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, &steady{ctx: ctx, in: io.LimitReader(f, b.size+1)}); err != nil {
		return something, ctx.Err()
	}
	if [32]byte(h.Sum(nil)) == b.sum {
		return itself, nil
	}
	return something, nil
}

// write stages a blob and renames it to its place; false where the name was
// taken by then. A dry run reads it all the same: what is damaged is told.
func (w *folderRun) write(ctx context.Context, b blob, at string) (bool, error) {
	if b.room >= w.free || w.crowded && !b.proven {
		return false, &ItemError{TooLarge, fmt.Errorf("it has %d bytes, and there is no room for it", b.size)}
	}
	if w.dry {
		if err := b.copyTo(ctx, io.Discard); err != nil {
			return false, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		_, taken := w.claims[at]
		if !taken {
			w.claims[at] = b.sum
		}
		return !taken, nil
	}
	part := randomName()
	err := w.stage(ctx, b, part)
	if err == nil {
		// One at a time, for file systems that cannot rename without replacing.
		w.mu.Lock()
		err = w.root.Place(part, at)
		w.mu.Unlock()
	}
	if err == nil {
		return true, nil
	}
	if rerr := w.root.Remove(part); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		return false, errors.Join(err, rerr)
	}
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return false, err
}

func (w *folderRun) stage(ctx context.Context, b blob, part string) error {
	f, err := w.root.Create(part, fileMode)
	if err != nil {
		return err
	}
	if err = f.Allocate(b.room); err == nil {
		err = b.copyTo(ctx, f)
	}
	if err == nil && storable(b.modTime) {
		err = f.SetTime(b.modTime)
	}
	return errors.Join(err, f.Close())
}

// storable reports whether a time can be counted in nanoseconds since 1970.
func storable(t time.Time) bool { return t.Year() > 1678 && t.Year() < 2262 }

func randomName() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return workDir + "/" + partPrefix + hex.EncodeToString(b[:])
}

// folder finds or makes the folders for a path, and gives theirs. A name that a
// file or link has is left to it, and ours gets another.
func (w *folderRun) folder(names []string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	path := ""
	for i, name := range names {
		key := strings.Join(names[:i+1], "/")
		if have, ok := w.folders[key]; ok {
			path = have
			continue
		}
		have, err := w.makeFolder(path, name)
		if err != nil {
			return "", err
		}
		path = have
		w.folders[key] = have
		if len(w.folders) > maxFolders {
			clear(w.folders)
		}
	}
	return path, nil
}

const maxFolders = 100_000 // remembered

func (w *folderRun) makeFolder(in, name string) (string, error) {
	for _, n := range []string{name, withSuffix(name, "~restored")} {
		at := n
		if in != "" {
			at = in + "/" + n
		}
		st, err := w.lstat(at)
		if errors.Is(err, fs.ErrNotExist) && w.dry {
			return at, nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			if err = w.root.Mkdir(at, dirMode); err == nil {
				return at, nil
			}
			if errors.Is(err, fs.ErrExist) {
				st, err = w.lstat(at)
			}
		}
		if err != nil {
			return "", err
		}
		if st.Mode.IsDir() {
			return at, nil
		}
	}
	return "", &ItemError{Conflict, fmt.Errorf("a file has the name of its folder %q", name)}
}
