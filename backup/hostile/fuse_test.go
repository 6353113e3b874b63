package hostile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/clearance-project/clearance/backup/source"
)

// serving is set in a process that serves a file system: its name and where to
// mount it, one line each.
const serving = "CLEARANCE_TEST_SERVING"

// mounted mounts the file system of a name, which a process of its own serves: one
// that asks itself waits for ever while it starts another program, and a process
// that waits for its own file system cannot even be killed.
func mounted(t *testing.T, at, name string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: mounting needs root")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skipf("SKIPPED: no file systems of programs here: %v", err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), serving+"="+name+"\n"+at)
	cmd.Stderr = os.Stderr
	said, err := cmd.StdoutPipe()
	must(t, err)
	life, err := cmd.StdinPipe() // ends with us, whatever ends us
	must(t, err)
	must(t, cmd.Start())
	if word, err := bufio.NewReader(said).ReadString('\n'); word != "mounted\n" {
		t.Fatalf("the file system %q is not served: %q %v %v", name, word, err, cmd.Wait())
	}
	t.Cleanup(func() {
		must(t, cmd.Process.Kill()) // whoever still waits for it is let go
		_ = cmd.Wait()              // it was killed
		_ = life.Close()            // nobody reads it any more
		if err := syscall.Unmount(at, syscall.MNT_DETACH); err != nil {
			t.Errorf("cannot unmount %s: %v", at, err)
		}
	})
}

// serve is the whole of a process that serves a file system.
func serve(what string) error {
	name, at, _ := strings.Cut(what, "\n")
	root, err := volume(name)
	if err != nil {
		return err
	}
	names := time.Minute // what a name leads to stays; its size and time are asked for each time
	_, err = fs.Mount(at, root, &fs.Options{EntryTimeout: &names, MountOptions: fuse.MountOptions{DirectMount: true, Name: "hostile", FsName: "hostile"}})
	if err != nil {
		return err
	}
	fmt.Println("mounted")
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, syscall.Unmount(at, syscall.MNT_FORCE|syscall.MNT_DETACH))
}

// volume is the file system of a name: a lie, or "poor:" and the folder behind it.
func volume(name string) (fs.InodeEmbedder, error) {
	if back, ok := strings.CutPrefix(name, "poor:"); ok {
		return poorCard(back), nil
	}
	for _, c := range lies() {
		if c.name == name {
			return c.lies, nil
		}
	}
	return nil, fmt.Errorf("there is no file system %q", name)
}

// call is what a file system is asked.
type call string

const (
	callList call = "list"
	callStat call = "stat"
	callOpen call = "open"
	callRead call = "read"
)

// gate holds up whoever asks one thing, until the file system's process is killed.
type gate struct{ at call }

func (g *gate) wait(what call) {
	if g != nil && g.at == what {
		select {}
	}
}

// lyingFile is a file that is what its functions say.
type lyingFile struct {
	fs.Inode
	gate   *gate
	size   func(asked int64) uint64 // by how often it was asked; nil: that of "content"
	read   func(off int64, into []byte) (int, syscall.Errno)
	direct bool // what is read is not bound to the size
	asked  atomic.Int64
}

const content = "content"

func (f *lyingFile) attr(out *fuse.Attr) {
	out.Mode, out.Size, out.Mtime = syscall.S_IFREG|0o644, uint64(len(content)), 1.5e9
	if f.size != nil {
		out.Size = f.size(f.asked.Add(1))
	}
}

func (f *lyingFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.gate.wait(callStat)
	f.attr(&out.Attr)
	return 0
}

func (f *lyingFile) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	f.gate.wait(callOpen)
	if f.direct {
		return nil, fuse.FOPEN_DIRECT_IO, 0
	}
	return nil, 0, 0
}

func (f *lyingFile) Read(_ context.Context, _ fs.FileHandle, into []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	f.gate.wait(callRead)
	if f.read != nil {
		n, errno := f.read(off, into)
		return fuse.ReadResultData(into[:n]), errno
	}
	return fuse.ReadResultData([]byte(content)[min(off, int64(len(content))):]), 0
}

// lyingFolder lists what it pleases.
type lyingFolder struct {
	fs.Inode
	gate  *gate
	names []string
	end   syscall.Errno // of the listing
	child func(name string) fs.InodeEmbedder
}

func (d *lyingFolder) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	d.gate.wait(callList)
	var list []fuse.DirEntry
	for _, n := range d.names {
		list = append(list, fuse.DirEntry{Name: n, Mode: modeOf(d.child(n))})
	}
	return &stream{fs.NewListDirStream(list), d.end}, 0
}

func modeOf(n fs.InodeEmbedder) uint32 {
	if _, folder := n.(*lyingFolder); folder {
		return syscall.S_IFDIR | 0o755
	}
	return syscall.S_IFREG | 0o644
}

func (d *lyingFolder) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	d.gate.wait(callStat)
	var n fs.InodeEmbedder
	if slices.Contains(d.names, name) {
		n = d.child(name)
	}
	if n == nil {
		return nil, syscall.ENOENT
	}
	out.Mode = modeOf(n)
	if f, ok := n.(*lyingFile); ok {
		f.attr(&out.Attr)
	}
	return d.NewInode(ctx, n, fs.StableAttr{Mode: modeOf(n) & syscall.S_IFMT}), 0
}

// stream is a listing that may end in an error.
type stream struct {
	fs.DirStream
	end syscall.Errno
}

func (s *stream) HasNext() bool { return s.DirStream.HasNext() || s.end != 0 }

func (s *stream) Next() (fuse.DirEntry, syscall.Errno) {
	if s.DirStream.HasNext() {
		return s.DirStream.Next()
	}
	return fuse.DirEntry{}, s.end
}

// remote mounts the folder of lies of a case at "remote" in the source.
func remote(c hostile) func(h *home) {
	return func(h *home) {
		h.mkdir("remote")
		if c.lies.gate != nil {
			h.patience = soon
		}
		mounted(h.t, h.src+"/remote", c.name)
	}
}

// file is a folder with one file.
func file(f *lyingFile) *lyingFolder {
	return &lyingFolder{names: []string{"lies.jpg"}, child: func(string) fs.InodeEmbedder { return f }}
}

// lies are file systems that do not do as they say.
func lies() []hostile {
	lie := map[string]source.Reason{"remote/lies.jpg": source.Changing}
	refuses := map[string]source.Reason{"remote/lies.jpg": source.Unreadable}
	hangs := func(at call) *lyingFolder {
		g := &gate{at: at}
		d := file(&lyingFile{gate: g})
		d.gate = g
		return d
	}
	many := &gate{at: callRead}
	manyNames, manyFailed := numbered(40, "remote/", source.Unreadable)
	list := []hostile{
		{name: "a file system that hangs when a folder is listed", lies: hangs(callList), incomplete: true},
		{name: "a file system that hangs when a file is looked at", lies: hangs(callStat), incomplete: true},
		{name: "a file system that hangs when a file is opened", lies: hangs(callOpen), failed: refuses},
		{name: "a file system that hangs when a file is read", lies: hangs(callRead), failed: refuses},
		{name: "a file system that hangs with many files", lies: &lyingFolder{gate: many, names: manyNames, child: func(string) fs.InodeEmbedder {
			return &lyingFile{gate: many}
		}}, failed: manyFailed},
		{name: "a file that grows each time it is looked at", lies: file(&lyingFile{size: func(n int64) uint64 { return uint64(len(content) + int(n)) }}), failed: lie},
		{name: "a file that shrinks each time it is looked at", lies: file(&lyingFile{size: func(n int64) uint64 { return uint64(max(1, 100-n)) }}), failed: lie},
		{name: "a file that ends before its size", lies: file(&lyingFile{direct: true, size: func(int64) uint64 { return 100 }}), failed: lie},
		{name: "a file without an end", lies: file(&lyingFile{direct: true, read: func(_ int64, into []byte) (int, syscall.Errno) { return len(into), 0 }}), failed: lie},
		{name: "a disk that cannot read a file", lies: file(&lyingFile{direct: true, read: func(int64, []byte) (int, syscall.Errno) { return 0, syscall.EIO }}), failed: refuses},
		{name: "a disk that cannot list a folder", lies: &lyingFolder{names: []string{"a.jpg"}, end: syscall.EIO, child: func(string) fs.InodeEmbedder { return &lyingFile{} }}, incomplete: true, any: true},
		{name: "a folder that holds itself for ever", lies: endless(), incomplete: true},
		{name: "a folder that names files above it", lies: &lyingFolder{names: []string{"../../outside/canary.jpg"}, child: func(string) fs.InodeEmbedder { return &lyingFile{} }}, incomplete: true},
		{name: "a folder that lists what is not there", lies: &lyingFolder{names: []string{"gone.jpg"}, child: func(string) fs.InodeEmbedder { return nil }}},
		{
			name: "a folder that lists a file twice", lies: &lyingFolder{names: []string{"a.jpg", "a.jpg"}, child: func(string) fs.InodeEmbedder { return &lyingFile{} }},
			holds: []string{"kept", content},
		},
	}
	for i := range list {
		list[i].tree = remote(list[i])
	}
	return list
}

func endless() *lyingFolder {
	return &lyingFolder{names: []string{"d"}, child: func(string) fs.InodeEmbedder { return endless() }}
}
