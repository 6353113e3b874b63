package bag

import (
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// syncAllTells reports whether syncfs(2) returns errors of writing back: since
// Linux 5.8. Before, files are made durable one by one.
var syncAllTells = sync.OnceValue(func() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	major, rest, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), ".")
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		rest = rest[:end]
	}
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(rest)
	return err1 == nil && err2 == nil && (a > 5 || a == 5 && b >= 8)
})
