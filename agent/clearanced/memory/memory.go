// Package memory gives back what the agent needs only while something happens.
//
// It imports the standard library and x/sys, and nothing of ours.
package memory

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Quiet is how long nothing happens before memory is given back.
const Quiet = 5 * time.Second

// GiveBack gives the system what is needed only while something happens: the
// heap's free pages, which the runtime would keep for minutes, and the program's
// own code. That is a copy of what is on disk, of which the kernel maps much more
// in than ever runs (18 of 20 MB after a start), and it maps in again what is
// needed: the pages stay in its cache for as long as it has no better use for them.
// It is called while nothing happens, so that it costs nobody anything.
func GiveBack() {
	debug.FreeOSMemory()
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return // nothing is given back then, and nothing is lost
	}
	defer func() { _ = maps.Close() }()
	for _, m := range code(maps) {
		// Code is mapped without the right to write: no page of it differs from
		// the file, so none is lost (madvise(2), MADV_DONTNEED).
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
	}
}

// mapping is a range of addresses.
type mapping struct{ from, to uintptr }

// code lists the mappings of files that are run and never written
// (proc_pid_maps(5)).
func code(maps io.Reader) []mapping {
	var list []mapping
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 || fields[1] != "r-xp" || !strings.HasPrefix(fields[5], "/") {
			continue
		}
		var m mapping
		if n, err := fmt.Sscanf(fields[0], "%x-%x", &m.from, &m.to); n == 2 && err == nil && m.from < m.to {
			list = append(list, m)
		}
	}
	return list
}
