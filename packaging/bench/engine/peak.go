package main

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// peak is VmHWM of this process in KiB (proc_pid_status(5)). What wait4 says of
// a process begins with the memory of the one that started it.
func peak() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		}
	}
	return 0, errors.New("the kernel does not say how much memory was used")
}
