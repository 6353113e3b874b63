package ledger

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// What is kept of a million items is outside of Go's heap: the collector lets a
// heap grow to twice of what is in use before it looks.

// claim gives zeroed memory for n values without pointers. Where the system has
// none to map it comes from the heap.
func claim[T any](n int) []T {
	var one T
	size := n * int(unsafe.Sizeof(one))
	if size == 0 {
		return nil
	}
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return make([]T, n)
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// release gives back what claim gave; nothing may point into it any more.
func release[T any](s []T) {
	if cap(s) == 0 {
		return
	}
	var one T
	s = s[:cap(s)]
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(one)))
	_ = unix.Munmap(b) // of what came from the heap it knows nothing, and says so
}
