package place

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mount finds the mount that near lies on, by the id that statx gives.
func (p *Place) mount(near string) error {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, near, 0, unix.STATX_MNT_ID, &st); err != nil {
		return &fs.PathError{Op: "statx", Path: near, Err: err}
	}
	if st.Mask&unix.STATX_MNT_ID == 0 {
		return errors.New("this kernel does not tell mounts apart (Linux 5.8 does)")
	}
	ms, err := readMounts()
	if err != nil {
		return err
	}
	m, err := mountOf(ms, st.Mnt_id)
	if err != nil {
		return err
	}
	p.MountID, p.MountAt, p.MountFrom, p.FSType = st.Mnt_id, m.at, m.from, m.kind
	if rel, err := filepath.Rel(m.at, near); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		p.inFS = filepath.Join(m.root, rel)
	}
	return nil
}

type mountLine struct {
	id                   uint64
	root, at, kind, from string
}

func readMounts() ([]mountLine, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseMounts(f)
}

// parseMounts reads mountinfo as proc_pid_mountinfo(5) has it:
// id parent major:minor root at options tags... - type source superoptions
func parseMounts(in io.Reader) (ms []mountLine, err error) {
	lines := bufio.NewScanner(io.LimitReader(in, 16<<20))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		head, tail, ok := strings.Cut(lines.Text(), " - ")
		a, b := strings.Fields(head), strings.Fields(tail)
		if !ok || len(a) < 6 || len(b) < 2 {
			continue
		}
		id, err := strconv.ParseUint(a[0], 10, 64)
		if err != nil {
			continue
		}
		ms = append(ms, mountLine{id: id, root: unescape(a[3]), at: unescape(a[4]), kind: b[0], from: unescape(b[1])})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the mounts: %w", err)
	}
	return ms, nil
}

func mountOf(ms []mountLine, id uint64) (mountLine, error) {
	for _, m := range ms {
		if m.id == id {
			return m, nil
		}
	}
	return mountLine{}, fmt.Errorf("mount %d is not listed", id)
}

// unescape undoes the octal form in which the kernel writes space, tab, newline
// and backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
