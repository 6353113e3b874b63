package session

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	termWait  = 3 * time.Second
	censusGap = 20 * time.Millisecond
)

// endAll asks every process that carries the mark to end, kills those that do
// not within termWait, and returns once none is left.
func endAll(mark string, started []*process) error {
	if gone(mark, started, syscall.SIGTERM, termWait) || gone(mark, started, syscall.SIGKILL, killWait) {
		return nil
	}
	return fmt.Errorf("cannot end the private session: processes %v are still there %v after being killed", census(mark, started), killWait)
}

// gone sends sig to every process of the session, newcomers included, until
// none is left or the wait is over.
func gone(mark string, started []*process, sig syscall.Signal, wait time.Duration) bool {
	deadline := time.After(wait)
	tick := time.NewTicker(censusGap)
	defer tick.Stop()
	told := map[int]bool{}
	for {
		left := census(mark, started)
		if len(left) == 0 {
			return true
		}
		for _, pid := range left {
			if !told[pid] {
				told[pid] = true
				// A process that has ended meanwhile is what we want.
				_ = syscall.Kill(pid, sig)
				_ = syscall.Kill(pid, syscall.SIGCONT) // should it be stopped
			}
		}
		select {
		case <-deadline:
			return false
		case <-tick.C:
		}
	}
}

// census lists the living processes of a session: those that we started, and
// all whose environment has the mark. The keyring hides its environment, but
// that one we started.
func census(mark string, started []*process) []int {
	var pids []int
	seen := map[int]bool{}
	for _, p := range started {
		if p.running() {
			pids = append(pids, p.pid)
			seen[p.pid] = true
		}
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return pids
	}
	needle := []byte(markName + "=" + mark)
	self := os.Getpid()
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || seen[pid] || pid == self {
			continue
		}
		// Other users' processes cannot be read, and are not ours. A zombie
		// reads as empty.
		env, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			continue
		}
		for _, item := range bytes.Split(env, []byte{0}) {
			if bytes.Equal(item, needle) {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}
