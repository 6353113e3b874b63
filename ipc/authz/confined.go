package authz

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Where a sandbox shows: Flatpak puts /.flatpak-info into the root of its
// sandboxes (flatpak-metadata(5)), snapd starts each snap in a control group
// "snap.NAME..." under an AppArmor label "snap.NAME.APP".
const (
	flatpakMark = ".flatpak-info"
	snapMark    = "snap."
)

// maxProcFile bounds what is read of a file in /proc.
const maxProcFile = 64 << 10

// confinedProcess reports whether a process runs in a sandbox or in namespaces
// that are not ours. What cannot be read counts as confined.
func confinedProcess(proc string, pid int32) bool {
	peer := filepath.Join(proc, strconv.Itoa(int(pid)))
	own := filepath.Join(proc, "self")
	for _, ns := range []string{"mnt", "pid"} {
		if !sameLink(filepath.Join(own, "ns", ns), filepath.Join(peer, "ns", ns)) {
			return true
		}
	}
	if !sameRoot(filepath.Join(own, "root"), filepath.Join(peer, "root")) {
		return true
	}
	if _, err := os.Lstat(filepath.Join(peer, "root", flatpakMark)); !errors.Is(err, fs.ErrNotExist) {
		return true
	}
	return inSnap(peer)
}

func sameLink(a, b string) bool {
	left, errLeft := os.Readlink(a)
	right, errRight := os.Readlink(b)
	return errLeft == nil && errRight == nil && left == right
}

func sameRoot(a, b string) bool {
	left, errLeft := os.Stat(a)
	right, errRight := os.Stat(b)
	return errLeft == nil && errRight == nil && os.SameFile(left, right)
}

func inSnap(peer string) bool {
	groups, err := readProc(filepath.Join(peer, "cgroup"))
	if err != nil {
		return true
	}
	for line := range strings.Lines(groups) {
		for part := range strings.SplitSeq(strings.TrimSpace(line), "/") {
			if strings.HasPrefix(part, snapMark) {
				return true
			}
		}
	}
	// A kernel without security modules has no label: EINVAL, or no file.
	label, err := readProc(filepath.Join(peer, "attr", "current"))
	return err == nil && strings.HasPrefix(label, snapMark)
}

func readProc(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxProcFile))
	return string(content), errors.Join(err, f.Close())
}
