package hostile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/source"
)

// soon is the patience with a file system that is known to hang.
const soon = time.Second

// asOther is set in a test that runs as a user who may not do everything.
const asOther = "CLEARANCE_TEST_AS_OTHER"

// beOther runs the test again as nobody, and says whether it did: root may read
// everything.
func beOther(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return false
	}
	dir, err := os.MkdirTemp("", "hostile")
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, os.Chmod(dir, 0o777))
	self, err := os.ReadFile("/proc/self/exe")
	must(t, err)
	must(t, os.WriteFile(dir+"/test", self, 0o755))
	ctx, cancel := context.WithTimeout(t.Context(), 2*deadline)
	defer cancel()
	run := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.CommandContext(ctx, dir+"/test", "-test.v", "-test.run", run)
	cmd.Env, cmd.Dir = append(os.Environ(), asOther+"=1", "TMPDIR="+dir), dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
	return true
}

// numbered are n names of files and the failures that they are.
func numbered(n int, in string, why source.Reason) (names []string, failed map[string]source.Reason) {
	failed = map[string]source.Reason{}
	for i := range n {
		name := fmt.Sprintf("%03d.jpg", i)
		names, failed[in+name] = append(names, name), why
	}
	return names, failed
}

// links are what leads elsewhere, at each depth.
func links() []hostile {
	outside := func(id string) map[string]source.Reason { return map[string]source.Reason{id: source.LinkOutside} }
	broken := func(ids ...string) map[string]source.Reason {
		m := map[string]source.Reason{}
		for _, id := range ids {
			m[id] = source.LinkBroken
		}
		return m
	}
	to := func(target, name string) func(h *home) {
		return func(h *home) { h.link(strings.ReplaceAll(target, "$", h.outside), name) }
	}
	deep := strings.Repeat("d/", 200)
	return []hostile{
		{name: "a link to a file", tree: to("$/canary.jpg", "a.jpg"), failed: outside("a.jpg")},
		{name: "a link to a file, upwards", tree: to("../outside/canary.jpg", "a.jpg"), failed: outside("a.jpg")},
		{name: "a link to a file, three folders down", tree: to("$/canary.jpg", "a/b/c/x.jpg"), failed: outside("a/b/c/x.jpg")},
		{name: "a link to a file, 200 folders down", tree: to("$/canary.jpg", deep+"x.jpg"), failed: outside(deep + "x.jpg")},
		{name: "a link to a folder", tree: to("$", "album"), failed: outside("album")},
		{name: "a link to a folder, three folders down", tree: to("$", "a/b/c/album"), failed: outside("a/b/c/album")},
		{name: "a link to a folder, by way of a link inside", tree: func(h *home) { h.link(h.outside, "one"); h.link("one", "two") }, failed: map[string]source.Reason{"one": source.LinkOutside, "two": source.LinkOutside}},
		{name: "a link to everything", tree: to("/", "root"), failed: outside("root")},
		{name: "a link to the folder above", tree: to("..", "up"), failed: outside("up")},
		{name: "a link through the kernel's own", tree: to("/proc/self/root$/canary.jpg", "a.jpg"), failed: outside("a.jpg")},
		{name: "a link to a device", tree: to("/dev/zero", "a.jpg"), failed: outside("a.jpg")},
		{name: "a link to a process's memory", tree: to("/proc/self/mem", "a.jpg"), failed: outside("a.jpg")},
		{name: "a link to nothing", tree: to("$/none", "a.jpg"), failed: broken("a.jpg")},
		{name: "a link to itself", tree: to("a.jpg", "a.jpg"), failed: broken("a.jpg")},
		{name: "links in a circle", tree: func(h *home) { h.link("b", "a"); h.link("a", "b") }, failed: broken("a", "b")},
		{name: "a link inside to a file", tree: to("kept.jpg", "a.jpg")},
		{name: "a link inside to the whole", tree: to(".", "again")},
		{name: "a link whose text is as long as can be", tree: to(strings.Repeat("x/", 2000)+"x", "a.jpg"), failed: broken("a.jpg")},
		{name: "a link as the source itself", tree: func(h *home) {
			must(h.t, os.Symlink(h.src, h.dir+"/here"))
			h.at = h.dir + "/here" // it is the person's own word that names it
		}},
		{name: "a link above the source", tree: func(h *home) {
			must(h.t, os.Symlink(h.dir, h.dir+"/above"))
			h.at = h.dir + "/above/Pictures"
		}},
		{name: "a link in place of the source, to nothing", tree: func(h *home) {
			must(h.t, os.Symlink(h.dir+"/none", h.dir+"/here"))
			h.at = h.dir + "/here"
		}, refused: "cannot open folder"},
		{name: "a file in place of the source", tree: func(h *home) { h.at = h.src + "/kept.jpg" }, refused: "cannot open folder"},
		{name: "a pipe in place of the source", tree: func(h *home) {
			must(h.t, unix.Mkfifo(h.dir+"/pipe", 0o644))
			h.at = h.dir + "/pipe"
		}, refused: "cannot open folder"},
	}
}

// nodes are what is no file, and files that are not as others.
func nodes() []hostile {
	special := map[string]source.Reason{"x.jpg": source.Special}
	device := func(kind uint32, major, minor uint32) func(h *home) {
		return func(h *home) {
			if err := unix.Mknod(h.src+"/x.jpg", kind|0o666, int(unix.Mkdev(major, minor))); err != nil {
				h.t.Skipf("SKIPPED: cannot make a device: %v", err)
			}
		}
	}
	mode := func(m uint32) func(h *home) {
		return func(h *home) { h.write("x.jpg", "x"); must(h.t, unix.Chmod(h.src+"/x.jpg", m)) }
	}
	return []hostile{
		{name: "a pipe", tree: func(h *home) { must(h.t, unix.Mkfifo(h.src+"/x.jpg", 0o666)) }, failed: special},
		{name: "a socket", tree: func(h *home) {
			var lc net.ListenConfig
			// A path of a socket is short; the folder's may be long.
			dir, err := os.MkdirTemp("", "s")
			must(h.t, err)
			h.t.Cleanup(func() { must(h.t, os.RemoveAll(dir)) })
			l, err := lc.Listen(h.t.Context(), "unix", dir+"/s")
			must(h.t, err)
			l.(*net.UnixListener).SetUnlinkOnClose(false)
			must(h.t, l.Close())
			if err := os.Rename(dir+"/s", h.src+"/x.jpg"); err != nil {
				h.t.Skipf("SKIPPED: cannot move a socket: %v", err)
			}
		}, failed: special},
		{name: "a device that gives zeros for ever", tree: device(unix.S_IFCHR, 1, 5), failed: special},
		{name: "a terminal", tree: device(unix.S_IFCHR, 5, 0), failed: special},
		{name: "a disk", tree: device(unix.S_IFBLK, 7, 0), failed: special},
		{name: "a file that may not be read", user: true, tree: mode(0), failed: map[string]source.Reason{"x.jpg": source.Unreadable}},
		{name: "a folder that may not be listed", user: true, tree: func(h *home) {
			h.write("closed/x.jpg", "x")
			must(h.t, os.Chmod(h.src+"/closed", 0o300))
			h.t.Cleanup(func() { must(h.t, os.Chmod(h.src+"/closed", 0o700)) })
		}, incomplete: true},
		{name: "a folder that may not be entered", user: true, tree: func(h *home) {
			h.write("closed/x.jpg", "x")
			must(h.t, os.Chmod(h.src+"/closed", 0o400))
			h.t.Cleanup(func() { must(h.t, os.Chmod(h.src+"/closed", 0o700)) })
		}, incomplete: true},
		{name: "a file that runs as its owner", tree: mode(0o6755), holds: []string{"kept", "x"}},
		{name: "a file of everybody's", tree: mode(0o1777), holds: []string{"kept", "x"}},
		{name: "one file under two names", tree: func(h *home) { must(h.t, os.Link(h.src+"/kept.jpg", h.src+"/also.jpg")) }},
		{name: "a file that can only be added to", tree: func(h *home) { h.write("x.jpg", "x"); attribute(h.t, h.src+"/x.jpg", unix.STATX_ATTR_APPEND) }, holds: []string{"kept", "x"}},
		{name: "a file from before time", tree: func(h *home) {
			h.write("x.jpg", "x")
			must(h.t, os.Chtimes(h.src+"/x.jpg", time.Unix(-1<<31, 0), time.Unix(-1<<31, 5)))
		}, holds: []string{"kept", "x"}},
		{name: "a file from after time", tree: func(h *home) {
			h.write("x.jpg", "x")
			must(h.t, os.Chtimes(h.src+"/x.jpg", time.Unix(1<<33, 0), time.Unix(1<<33, 0)))
		}, holds: []string{"kept", "x"}},
		{name: "a file larger than any disk", tree: func(h *home) { huge(h, "x.mkv", 1<<42) }, failed: map[string]source.Reason{"x.mkv": source.TooLarge}},
	}
}

func huge(h *home, name string, size int64) {
	h.write(name, "")
	if err := os.Truncate(h.src+"/"+name, size); err != nil {
		h.t.Skipf("SKIPPED: no file of %d bytes can be made here: %v", size, err)
	}
}

// attribute sets a flag that only root takes off again (chattr), until the test
// ends. The flags of FS_IOC_SETFLAGS for these two are those of statx(2).
func attribute(t *testing.T, path string, flag int) {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	was, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, was|flag)
	}
	if err != nil {
		must(t, f.Close())
		t.Skipf("SKIPPED: no such attribute here: %v", err)
	}
	t.Cleanup(func() {
		must(t, unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, was))
		must(t, f.Close())
	})
}

// names are names that mean something to somebody.
func names() []hostile {
	var cases []hostile
	for what, list := range map[string][]string{
		"names that are options":             {"-rf", "--", "--help", "-"},
		"names that are commands":            {"$(touch canary)", "`id`", ";id", "a|b", "a&b", "*", "?", "[a]", "{a,b}", "~", "~root", "!1", "#x"},
		"names with line ends":               {"a\nb", "a\r\nb", "\n", "a\n0000  data/about.txt"},
		"names that command a terminal":      {"\x1b[31mred", "\x1b]0;title\x07", "\x9b31m", "\x7f", "\x08\x08"},
		"names that turn round":              {"\u202egpj.exe", "\u2066x\u2069", "\ufeffx"},
		"names that are no text":             {"\xff\xfe", "caf\xe9.jpg", "\xc0\xae\xc0\xae", "\xed\xa0\x80"},
		"names with quotes and backslashes":  {`a\b`, `\\`, `"`, "'", `\n`, `..\..\x`},
		"names with percent signs":           {"100%", "%2e%2e%2f", "%0a", "%00"},
		"names that Windows takes":           {"CON", "nul.txt", "LPT1", "a:b", "a.", "a ", "COM1.jpg"},
		"names of our own":                   {".clearance", "bagit.txt", "manifest-sha256.txt", "about.txt", "data", "x~2.jpg", "x~edited.jpg"},
		"names that are dots":                {"...", "....", ". ", " ."},
		"names that differ in composition":   {"caf\u00e9.jpg", "cafe\u0301.jpg", "\u212b", "\u00c5", "A\u030a"},
		"names that differ in case":          {"IMG.JPG", "img.jpg", "Img.Jpg", "stra\u00dfe", "STRASSE", "\u0130", "i\u0307"},
		"names as long as can be":            {strings.Repeat("n", 255), strings.Repeat("n", 251) + ".jpg", strings.Repeat("\u00e4", 127), strings.Repeat("\U0001f600", 63) + "abc"},
		"names that differ at their far end": {strings.Repeat("n", 254) + "a", strings.Repeat("n", 254) + "b", strings.Repeat("N", 254) + "B"},
	} {
		c := hostile{name: what, holds: []string{"kept"}}
		for i := range list {
			c.holds = append(c.holds, fmt.Sprint("file ", i), fmt.Sprint("below ", i))
		}
		c.tree = func(h *home) {
			for i, n := range list {
				h.write(n, fmt.Sprint("file ", i))
				if len(n) < 255 { // and as folders
					h.write("folders/"+n+"/"+n, fmt.Sprint("below ", i))
				} else {
					h.write(fmt.Sprintf("folders/%d/%s", i, n), fmt.Sprint("below ", i))
				}
			}
		}
		cases = append(cases, c)
	}
	return cases
}

// depths are trees that go far down.
func depths() []hostile {
	down := func(levels int, name string) func(h *home) {
		return func(h *home) { dig(h.t, h.src, levels, name) }
	}
	return []hostile{
		{name: "1000 folders deep", tree: down(1000, "d"), holds: []string{"kept", "the end"}},
		{name: "4096 folders deep", tree: down(4096, "d"), incomplete: true},
		{name: "100 folders deep with names as long as can be", tree: down(100, strings.Repeat("n", 255)), holds: []string{"kept", "the end"}},
	}
}

// dig makes folders one in another, with a file in the last.
func dig(t *testing.T, dir string, levels int, name string) {
	t.Helper()
	top, err := os.Open(dir)
	must(t, err)
	fd := int(top.Fd())
	for range levels {
		must(t, unix.Mkdirat(fd, name, 0o755))
		next, err := unix.Openat(fd, name, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		must(t, err)
		if fd != int(top.Fd()) {
			must(t, unix.Close(fd))
		}
		fd = next
	}
	end, err := unix.Openat(fd, "end.jpg", unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	must(t, err)
	_, err = unix.Write(end, []byte("the end"))
	must(t, err)
	must(t, unix.Close(end))
	must(t, unix.Close(fd))
	must(t, top.Close())
}

// mount binds a folder, or mounts a file system, until the test ends.
func mount(h *home, from, at, kind string, flags uintptr, data string) {
	h.t.Helper()
	if err := unix.Mount(from, at, kind, flags, data); err != nil {
		h.t.Skipf("SKIPPED: cannot mount: %v", err)
	}
	h.t.Cleanup(func() { must(h.t, unix.Unmount(at, unix.MNT_DETACH)) })
}

// places are sources and destinations that lie where they should not.
func places() []hostile {
	return []hostile{
		{name: "the kernel's processes as the source", tree: func(h *home) { h.at = "/proc" }, refused: "holds no files"},
		{name: "a process as the source", tree: func(h *home) { h.at = "/proc/self/fdinfo" }, refused: "holds no files"},
		{name: "the kernel's devices as the source", tree: func(h *home) { h.at = "/sys" }, refused: "holds no files"},
		{name: "the kernel's processes within the source", tree: func(h *home) {
			h.mkdir("proc")
			mount(h, "proc", h.src+"/proc", "proc", 0, "")
		}, failed: map[string]source.Reason{"proc": source.Special}},
		{name: "the kernel's devices within the source", tree: func(h *home) {
			h.mkdir("a/sys")
			mount(h, "sysfs", h.src+"/a/sys", "sysfs", 0, "")
		}, failed: map[string]source.Reason{"a/sys": source.Special}},
		{name: "another file system within the source", tree: func(h *home) {
			h.mkdir("card")
			mount(h, "none", h.src+"/card", "tmpfs", 0, "size=1m")
			h.write("card/x.jpg", "x")
		}, holds: []string{"kept", "x"}},
		{name: "the source bound into itself", tree: func(h *home) {
			h.mkdir("again")
			mount(h, h.src, h.src+"/again", "", unix.MS_BIND, "")
		}},
		{name: "the source bound into itself, with all that is in it", tree: func(h *home) {
			h.mkdir("a/again")
			mount(h, h.src, h.src+"/a/again", "", unix.MS_BIND|unix.MS_REC, "")
			mount(h, h.src, h.src+"/a/again/a/again", "", unix.MS_BIND|unix.MS_REC, "")
		}},
		{name: "the copy in the source", tree: func(h *home) { h.dest = h.src }},
		{name: "the source in the copy", tamper: func(h *home) { h.at = h.bagDir() + "/data" }, any: true},
		{name: "a destination that cannot be changed", tamper: func(h *home) {
			h.write("x.jpg", "x")
			attribute(h.t, h.bagDir()+"/.clearance", unix.STATX_ATTR_IMMUTABLE)
		}, refused: "read-only"},
		{name: "a destination that is read only", tamper: func(h *home) {
			h.write("x.jpg", "x")
			mount(h, h.dest, h.dest, "", unix.MS_BIND, "")
			must(h.t, unix.Mount("", h.dest, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		}, refused: "read-only"},
		{name: "a destination that is a pipe", tree: func(h *home) {
			must(h.t, unix.Mkfifo(h.dir+"/pipe", 0o644))
			h.dest = h.dir + "/pipe"
		}, refused: "not a directory"},
	}
}

// ids are items as no folder has them: a server names them.
func ids() []hostile {
	item := func(change func(*source.Item)) func(h *home) {
		return func(h *home) {
			for i := range 2 {
				it := source.Item{
					Key: source.Key{Ref: source.Ref{Account: "a", Dataset: source.Contacts, Source: "book"}, ID: fmt.Sprint(i)}, Rev: "1", Size: -1, Ext: ".vcf",
					Open: func(context.Context) (io.ReadCloser, error) {
						return io.NopCloser(strings.NewReader(fmt.Sprint("card ", i))), nil
					},
				}
				change(&it)
				if i == 1 {
					it.ID = strings.ToUpper(it.ID) + "'"
				}
				h.items = append(h.items, it)
			}
		}
	}
	id := func(s string) func(h *home) { return item(func(it *source.Item) { it.ID = s }) }
	var cases []hostile
	for name, tree := range map[string]func(h *home){
		"an id that climbs":                 id("../../../outside/x"),
		"an id from the root":               id("/etc/x"),
		"an id that climbs as Windows does": id(`..\..\x`),
		"an id with zeros":                  id("a\x00b/../../x"),
		"an id that is no text":             id("\xff\xfe"),
		"an id as long as can be":           id(strings.Repeat("\x01", 32<<10-1)),
		"an empty id":                       id(""),
		"an id with line ends":              id("a\r\nb\n0000  data/about.txt"),
		"an id that commands a terminal":    id("\x1b[2J\x1b]0;x\x07"),
		"an extension that climbs":          item(func(it *source.Item) { it.Ext = "/../../../outside/x" }),
		"an extension without end":          item(func(it *source.Item) { it.Ext = "." + strings.Repeat("x", 4096) }),
		"a folder that climbs":              item(func(it *source.Item) { it.Folder = "../../../outside" }),
		"a folder that is two dots":         item(func(it *source.Item) { it.Folder = ".." }),
		"a book that climbs":                item(func(it *source.Item) { it.Source = "../../outside" }),
		"a book from the root":              item(func(it *source.Item) { it.Source = "/outside" }),
		"a book with zeros":                 item(func(it *source.Item) { it.Source = "a\x00b" }),
		"a dataset that climbs":             item(func(it *source.Item) { it.Dataset = "../../outside" }),
		"a path that climbs":                item(func(it *source.Item) { it.Path = "../../../outside/x" }),
		"a path from the root":              item(func(it *source.Item) { it.Path = "/etc/passwd" }),
		"a path of nothing":                 item(func(it *source.Item) { it.Path = "//./../." }),
		"a path with zeros":                 item(func(it *source.Item) { it.Path = "a\x00/b\x00" }),
		"a path without end":                item(func(it *source.Item) { it.Path = strings.Repeat("d/", 50_000) + "x" }),
		"a time without end":                item(func(it *source.Item) { it.ModTime = time.Unix(1<<62, 0) }),
		"a size that is none":               item(func(it *source.Item) { it.Size = -1 << 62 }),
	} {
		cases = append(cases, hostile{name: name, tree: tree, holds: []string{"card 0", "card 1"}, unplaced: name == "a dataset that climbs"})
	}
	zero := map[string]source.Reason{"../../outside/canary.jpg": source.Unreadable, "a\x00b": source.Unreadable, "kept.jpg/../../outside/canary.jpg": source.Unreadable, filepath.Clean("/etc/passwd"): source.Unreadable}
	for name, tree := range map[string]func(h *home){
		"an id of a megabyte":   id(strings.Repeat("x", 1<<20)),
		"a name of a megabyte":  item(func(it *source.Item) { it.Name = strings.Repeat("\x01", 1<<20) }),
		"a book of a megabyte":  item(func(it *source.Item) { it.Source = strings.Repeat("x", 1<<20) }),
		"a state of a megabyte": item(func(it *source.Item) { it.Rev = strings.Repeat("x", 1<<20) }),
	} {
		cases = append(cases, hostile{name: name, tree: tree, any: true, unlisted: 2})
	}
	return append(cases, hostile{name: "files that lie outside their source", failed: zero, tree: func(h *home) {
		for p := range zero {
			h.items = append(h.items, source.Item{Key: source.Key{Ref: photos, ID: p}, Rev: "1", Size: -1, Path: "x", File: &source.FileRef{Path: p}})
		}
	}, holds: []string{}}, hostile{name: "a size that nobody could keep", failed: map[string]source.Reason{"0": source.TooLarge, "1'": source.TooLarge},
		tree: item(func(it *source.Item) { it.Size = 1 << 62 }), holds: []string{}})
}
