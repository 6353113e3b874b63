package scan

import (
	"bytes"
	"encoding/binary"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// list reads one folder and looks at what is in it.
func (w *walk) list(t task, buf []byte) {
	if t.depth > maxDepth {
		w.send(batch{findings: []Finding{{Path: t.path, Kind: TooDeep}}})
		return
	}
	if w.unanswered(t.path) {
		w.send(batch{findings: []Finding{{Path: t.path, Kind: Unlistable, Err: ErrNoAnswer}}})
		return
	}
	fd, err := w.root.openBeneath(t.path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_NONBLOCK)
	if err != nil {
		w.send(batch{findings: []Finding{{Path: t.path, Kind: Unlistable, Err: err}}})
		return
	}
	dir := &sharedDir{fd: fd}
	dir.uses.Store(1)
	defer dir.release()
	if w.kernel(fd) {
		w.send(batch{findings: []Finding{{Path: t.path, Kind: Kernel, Err: errKernel}}})
		return
	}
	if ownBag(fd, w.opts.BagIDs) {
		w.send(batch{findings: []Finding{{Path: t.path, Kind: OwnBag}}})
		return
	}
	for w.ctx.Err() == nil {
		n, err := getdents(fd, buf)
		w.pulse.beats.Add(1)
		if err != nil {
			w.send(batch{findings: []Finding{{Path: t.path, Kind: Unlistable, Err: err}}})
			return
		}
		if n == 0 {
			return
		}
		names := parseDirents(buf[:n])
		if !w.share(dir, t.path, t.depth, names) {
			w.look(dir, t.path, t.depth, names)
		}
	}
}

func getdents(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Getdents(fd, buf)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// parseDirents reads struct linux_dirent64 (getdents64(2)), without "." and "..".
func parseDirents(b []byte) []name {
	const (
		reclen = int(unsafe.Offsetof(unix.Dirent{}.Reclen))
		typ    = int(unsafe.Offsetof(unix.Dirent{}.Type))
		text   = int(unsafe.Offsetof(unix.Dirent{}.Name))
	)
	names := make([]name, 0, len(b)/40)
	for len(b) > text {
		size := int(binary.NativeEndian.Uint16(b[reclen:]))
		if size <= text || size > len(b) {
			return names
		}
		s := b[text:size]
		if i := bytes.IndexByte(s, 0); i >= 0 {
			s = s[:i]
		}
		if str := string(s); str != "." && str != ".." {
			names = append(names, name{text: str, kind: b[typ]})
		}
		b = b[size:]
	}
	return names
}

// look sends the files among names and queues the folders.
func (w *walk) look(dir *sharedDir, path string, depth int, names []name) {
	prefix := ""
	if path != "." {
		prefix = path + "/"
	}
	b := batch{entries: make([]Entry, 0, min(len(names), batchSize))}
	for _, n := range names {
		if w.ctx.Err() != nil {
			return
		}
		full := prefix + n.text
		if n.kind == unix.DT_DIR {
			w.push(task{path: full, depth: depth + 1})
			continue
		}
		w.lookAt(dir, n.text, full, depth, &b)
		w.pulse.beats.Add(1)
		if len(b.entries) == batchSize {
			w.send(b)
			b = batch{entries: make([]Entry, 0, batchSize)}
		}
	}
	if len(b.entries) > 0 || len(b.findings) > 0 {
		w.send(b)
	}
}

func (w *walk) lookAt(dir *sharedDir, base, full string, depth int, b *batch) {
	var st unix.Stat_t
	err := unix.Fstatat(dir.fd, base, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT {
		return // gone since the folder was read: it is not there, and that is the truth
	}
	if err != nil {
		b.findings = append(b.findings, Finding{Path: full, Kind: Unknown, Err: err})
		return
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		b.entries = append(b.entries, Entry{Path: full, Stat: w.root.stamped(&st)})
		if err := readable(dir.fd, base, &st); err != nil {
			b.findings = append(b.findings, Finding{Path: full, Kind: Unreadable, Err: err})
		}
	case unix.S_IFDIR:
		w.push(task{path: full, depth: depth + 1})
	case unix.S_IFLNK:
		b.findings = append(b.findings, w.root.link(dir.fd, base, full))
	case unix.S_IFIFO:
		b.findings = append(b.findings, Finding{Path: full, Kind: FIFO})
	case unix.S_IFSOCK:
		b.findings = append(b.findings, Finding{Path: full, Kind: Socket})
	case unix.S_IFCHR, unix.S_IFBLK:
		b.findings = append(b.findings, Finding{Path: full, Kind: Device})
	default:
		b.findings = append(b.findings, Finding{Path: full, Kind: Unknown})
	}
}

var euid = os.Geteuid()

// readable asks the system only where the mode bits alone do not say yes.
func readable(dir int, base string, st *unix.Stat_t) error {
	if st.Mode&0o004 != 0 && st.Uid != uint32(euid) || st.Mode&0o400 != 0 && st.Uid == uint32(euid) {
		return nil
	}
	return unix.Faccessat(dir, base, unix.R_OK, unix.AT_EACCESS)
}
