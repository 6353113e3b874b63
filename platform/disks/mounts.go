package disks

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Mounts tells of every change of this process's mounts. The kernel wakes who
// polls /proc/self/mountinfo (proc_pid_mounts(5)); one goroutine waits for it.
type Mounts struct {
	file  *os.File
	ended chan struct{}

	mu    sync.Mutex
	next  int
	hears map[int]func()
}

// WatchMounts begins to watch.
func WatchMounts() (*Mounts, error) {
	// Only a descriptor that does not block is waited for without a thread.
	fd, err := unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot watch the mounts: %w", err)
	}
	m := &Mounts{file: os.NewFile(uintptr(fd), "mountinfo"), ended: make(chan struct{}), hears: make(map[int]func())}
	raw, err := m.file.SyscallConn()
	if err != nil {
		_ = m.file.Close()
		return nil, fmt.Errorf("cannot watch the mounts: %w", err)
	}
	go func() {
		defer close(m.ended)
		// One Read for ever: between two of them a wake would be lost. It is
		// called back at each, until the file is closed.
		_ = raw.Read(func(uintptr) bool {
			m.Changed()
			return false
		})
	}()
	return m, nil
}

// Tell calls hear after every change from here on, one call at a time, until
// stop is called. hear must not call Tell, stop or Close.
func (m *Mounts) Tell(hear func()) (stop func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := m.next
	m.next++
	m.hears[id] = hear
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.hears, id)
	}
}

// Changed tells everybody to look again: for a change that was seen elsewhere.
func (m *Mounts) Changed() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, hear := range m.hears {
		hear()
	}
}

// Close ends the watching and waits for it.
func (m *Mounts) Close() error {
	err := m.file.Close()
	<-m.ended
	return err
}
