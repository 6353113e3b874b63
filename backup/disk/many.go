package disk

import (
	"errors"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Many reads the beginnings of many files at once, past the cache: the system
// makes one request of those that lie side by side, and the reader waits once
// for all. It goes by io_submit(2), for which the disk is asked when it returns;
// the structures are those of linux/aio_abi.h. It is used by one goroutine.
type Many struct {
	context uintptr
	blocks  []controlBlock
	order   []*controlBlock
	events  []event
}

// Reading is one file to read, and what came of it.
type Reading struct {
	File File   // from OpenDirect
	Into []byte // whole pages, from mmap or [Buffer]
	N    int
	Err  error // [ErrNotAtOnce]: it is to be read by itself
}

// ErrNotAtOnce says that a file cannot be read together with others.
var ErrNotAtOnce = errors.New("cannot be read together with others")

// controlBlock is struct iocb. Key and flags, whose order depends on the
// machine's, are zero.
type controlBlock struct {
	data   uint64
	_      uint64 // key, flags
	_      uint16 // what to do; 0: pread
	_      uint16 // priority
	fd     uint32
	buf    uint64
	length uint64
	_      int64 // from where
	_      uint64
	_      uint32 // flags
	_      uint32 // eventfd
}

// event is struct io_event.
type event struct {
	data   uint64
	_      uint64 // the block
	result int64
	_      int64
}

// NewMany makes room for n files at once.
func NewMany(n int) (*Many, error) {
	m := &Many{blocks: make([]controlBlock, n), order: make([]*controlBlock, 0, n), events: make([]event, n)}
	if _, _, errno := unix.Syscall(unix.SYS_IO_SETUP, uintptr(n), uintptr(unsafe.Pointer(&m.context)), 0); errno != 0 {
		return nil, errno
	}
	return m, nil
}

// Close waits for nothing: every Read has.
func (m *Many) Close() error {
	context := m.context
	m.context = 0 // the number may be another's by now
	if _, _, errno := unix.Syscall(unix.SYS_IO_DESTROY, context, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// Read reads the files, in the order in which they best lie on the disk, no more
// than there is room for. The descriptors and what is read into stay ours until
// every one has its answer.
func (m *Many) Read(files []Reading) {
	m.order = m.order[:0]
	for i := range files {
		r := &files[i]
		r.N, r.Err = 0, ErrNotAtOnce
		f, ok := r.File.(*file)
		if !ok || len(r.Into) == 0 || i >= len(m.blocks) {
			continue
		}
		f.mu.RLock()
		defer f.mu.RUnlock()
		if f.fd < 0 {
			continue
		}
		m.blocks[i] = controlBlock{data: uint64(i), fd: uint32(f.fd), buf: uint64(uintptr(unsafe.Pointer(&r.Into[0]))), length: uint64(len(r.Into))}
		m.order = append(m.order, &m.blocks[i])
	}
	for _, e := range m.answers(m.submit()) {
		r := &files[e.data]
		if r.N, r.Err = max(0, int(e.result)), nil; e.result < 0 {
			r.Err = unix.Errno(-e.result)
		}
	}
	runtime.KeepAlive(files)
}

// submit hands the reads to the system, and says how many it took.
func (m *Many) submit() (taken int) {
	for taken < len(m.order) {
		n, _, errno := unix.Syscall(unix.SYS_IO_SUBMIT, m.context, uintptr(len(m.order)-taken), uintptr(unsafe.Pointer(&m.order[taken])))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 || n == 0 {
			break
		}
		taken += int(n)
	}
	return taken
}

// answers waits for n answers. There is no way to take a read back: one that
// does not end holds its reader, as read(2) does.
func (m *Many) answers(n int) []event {
	got := 0
	for got < n {
		most := uintptr(n - got)
		k, _, errno := unix.Syscall6(unix.SYS_IO_GETEVENTS, m.context, most, most, uintptr(unsafe.Pointer(&m.events[got])), 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			_ = m.Close() // ends when all reads have; from now on each file is read by itself
			return nil
		}
		got += int(k)
	}
	return m.events[:n]
}
