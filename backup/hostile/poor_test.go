package hostile

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/backup/restore"
)

// poor is a folder of a file system as memory cards have it: no names that differ
// by case alone, times to two seconds, no permissions, no links, no renaming that refuses
// to replace.
type poor struct {
	fs.LoopbackNode
}

// twin reports whether the folder has another name that is the same without
// case. A card would take it for this one: whoever asks has mixed up two files.
func (p *poor) twin(name string) bool {
	list, err := os.ReadDir(filepath.Join(p.RootData.Path, p.Path(nil)))
	return err == nil && slices.ContainsFunc(list, func(e os.DirEntry) bool {
		return e.Name() != name && strings.EqualFold(e.Name(), name)
	})
}

// refused is the card's answer to a new name.
func (p *poor) refused(name string) syscall.Errno {
	switch {
	case p.twin(name):
		return syscall.EEXIST
	case strings.ContainsAny(name, `\:*?"<>|`), strings.TrimRight(name, ". ") != name:
		return syscall.EINVAL
	}
	return 0
}

func (p *poor) WrapChild(context.Context, fs.InodeEmbedder) fs.InodeEmbedder {
	return &poor{LoopbackNode: fs.LoopbackNode{RootData: p.RootData}}
}

func (p *poor) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if p.twin(name) {
		return nil, syscall.EIO
	}
	n, errno := p.LoopbackNode.Lookup(ctx, name, out)
	coarse(&out.Attr)
	return n, errno
}

func (p *poor) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	errno := p.LoopbackNode.Getattr(ctx, f, out)
	coarse(&out.Attr)
	return errno
}

func coarse(a *fuse.Attr) {
	a.Mtime, a.Mtimensec, a.Mode = a.Mtime&^1, 0, a.Mode|0o777
}

func (p *poor) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	in.Valid &^= fuse.FATTR_MODE | fuse.FATTR_UID | fuse.FATTR_GID
	errno := p.LoopbackNode.Setattr(ctx, f, in, out)
	coarse(&out.Attr)
	return errno
}

func (p *poor) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if errno := p.refused(name); errno != 0 {
		return nil, nil, 0, errno
	}
	n, h, fl, errno := p.LoopbackNode.Create(ctx, name, flags, mode, out)
	coarse(&out.Attr)
	return n, h, fl, errno
}

func (p *poor) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if errno := p.refused(name); errno != 0 {
		return nil, errno
	}
	return p.LoopbackNode.Mkdir(ctx, name, mode, out)
}

func (p *poor) Rename(ctx context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if flags != 0 {
		return syscall.EINVAL
	}
	if there, ok := to.(*poor); ok {
		if errno := there.refused(newName); errno != 0 {
			return errno
		}
	}
	return p.LoopbackNode.Rename(ctx, name, to, newName, 0)
}

func (p *poor) Link(context.Context, fs.InodeEmbedder, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EPERM
}

func (p *poor) Symlink(context.Context, string, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EPERM
}

// Statfs counts in blocks of its own and asks to be read in far larger ones, as
// cards behind a driver in a program do.
func (p *poor) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	errno := p.LoopbackNode.Statfs(ctx, out)
	out.Bsize = 1 << 20
	return errno
}

// poorCard keeps in a folder what is written to it.
func poorCard(back string) *poor {
	root := &fs.LoopbackRoot{Path: back}
	p := &poor{LoopbackNode: fs.LoopbackNode{RootData: root}}
	root.RootNode = p
	return p
}

// TestPoorDestination: the bag keeps every byte and every name in its list on a
// file system that keeps neither, and a second run copies nothing anew.
func TestPoorDestination(t *testing.T) {
	h := newHome(t)
	list := []string{"IMG.JPG", "img.jpg", "Img.Jpg", "caf\u00e9.jpg", "cafe\u0301.jpg", "a:b.jpg", "trail ", "dots...", "CON.jpg", "Dir/x.jpg", "dir/x.jpg", "empty.jpg", "\xff.jpg"}
	var want []string
	for _, n := range list {
		text := "photo " + n
		if n == "empty.jpg" {
			text = ""
		}
		h.write(n, text)
		want = append(want, text)
	}
	back := h.dir + "/back"
	must(t, syscall.Mkdir(back, 0o755))
	mounted(t, h.dest, "poor:"+back)
	card, err := place.Look(h.dest)
	must(t, err)
	real, err := place.Look(back)
	must(t, err)
	if card.AllBytes != real.AllBytes || card.FreeBytes > 2*real.FreeBytes {
		t.Errorf("%d of %d bytes are free, it is said; %d of %d are", card.FreeBytes, card.AllBytes, real.FreeBytes, real.AllBytes)
	}

	r, err := h.copy()
	if err != nil || r.Outcome != copy.Complete || r.Copied != len(list) {
		t.Fatalf("%v, %s, %d copied, %.300v", err, r.Outcome, r.Copied, r.Failures)
	}
	h.sums()
	if r, err = h.copy(); err != nil || r.Unchanged != len(list) {
		t.Errorf("the second run: %v, %+v", err, r)
	}
	names, err := filepath.Glob(h.bagDir() + "/data/photos/*/*")
	must(t, err)
	for i, n := range names {
		names[i] = strings.ToLower(n)
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("twins: %q", names)
	}
	got, err := h.restore()
	if err != nil || got.Outcome != restore.Complete {
		t.Fatalf("restoring: %v, %+v", err, got.All)
	}
	if texts := h.found(); !same(texts, want) {
		t.Errorf("restored %q, want %q", texts, want)
	}
}
