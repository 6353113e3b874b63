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

// mount finds the mount that near lies on, by the id that statx gives, among ms;
// nil are those of just now.
func (p *Place) mount(near string, ms []Mount) (err error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, near, 0, unix.STATX_MNT_ID, &st); err != nil {
		return &fs.PathError{Op: "statx", Path: near, Err: err}
	}
	if st.Mask&unix.STATX_MNT_ID == 0 {
		return errors.New("this kernel does not tell mounts apart (Linux 5.8 does)")
	}
	if ms == nil {
		if ms, err = Mounts(); err != nil {
			return err
		}
	}
	m, err := mountOf(ms, st.Mnt_id)
	if err != nil {
		return err
	}
	p.MountID, p.MountAt, p.MountFrom, p.FSType = st.Mnt_id, m.At, m.From, m.FSType
	if rel, err := filepath.Rel(m.At, near); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		p.inFS = filepath.Join(m.Root, rel)
	}
	return nil
}

// Mount is one mount of this process.
type Mount struct {
	ID     uint64 // as statx gives it
	Dev    uint64 // of the file system
	Root   string // of the file system, the folder that is mounted
	At     string
	FSType string
	From   string // what is mounted, "/dev/sda1" or "host:/folder"; may be empty
}

// Mounts are this process's mounts, in the order in which they were made.
func Mounts() ([]Mount, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("cannot read the mounts: %w", err)
	}
	defer f.Close()
	return ParseMounts(f)
}

// ParseMounts reads mountinfo as proc_pid_mountinfo(5) has it:
// id parent major:minor root at options tags... - type source superoptions.
// A line that is otherwise is an error: a mount that is passed over could hide a
// folder.
func ParseMounts(in io.Reader) (ms []Mount, err error) {
	lines := bufio.NewScanner(io.LimitReader(in, 16<<20))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m, ok := parseMount(lines.Text())
		if !ok {
			return nil, fmt.Errorf("cannot read the mounts: line %q", lines.Text())
		}
		ms = append(ms, m)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the mounts: %w", err)
	}
	return ms, nil
}

func parseMount(line string) (m Mount, ok bool) {
	head, tail, ok := strings.Cut(line, " - ")
	a, b := strings.Fields(head), strings.Fields(tail)
	if !ok || len(a) < 6 || len(b) < 1 {
		return m, false
	}
	major, minor, ok := strings.Cut(a[2], ":")
	id, err := strconv.ParseUint(a[0], 10, 64)
	hi, errMajor := strconv.ParseUint(major, 10, 32)
	lo, errMinor := strconv.ParseUint(minor, 10, 32)
	if !ok || errors.Join(err, errMajor, errMinor) != nil {
		return m, false
	}
	m = Mount{ID: id, Dev: unix.Mkdev(uint32(hi), uint32(lo)), Root: unescape(a[3]), At: unescape(a[4]), FSType: b[0]}
	if len(b) > 2 { // a file system may be mounted from nothing
		m.From = unescape(b[1])
	}
	return m, true
}

func mountOf(ms []Mount, id uint64) (Mount, error) {
	for _, m := range ms {
		if m.ID == id {
			return m, nil
		}
	}
	return Mount{}, fmt.Errorf("mount %d is not listed", id)
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
