package album

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// Seen remembers which photos a library named, so that finding its stores again
// and again does not read a large one each time. It is asked for no listing. The
// zero value is ready to use, by several goroutines.
type Seen struct {
	mu  sync.Mutex
	was map[string]named // by database
}

type named struct {
	stamp string
	files []string
}

// rests is how long after a change another one may leave a file's stamp as it was.
const rests = 2 * time.Second

// stampOf is the stamp of a database and of what SQLite keeps beside it, "" where
// a change since may not show in it.
func stampOf(at string) string {
	stamp := "of"
	for _, beside := range []string{"", "-wal", "-journal"} {
		var st syscall.Stat_t
		if syscall.Lstat(at+beside, &st) != nil {
			continue // it is not there
		}
		if time.Since(time.Unix(st.Ctim.Unix())) < rests {
			return ""
		}
		stamp += fmt.Sprint(" ", beside, st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim)
	}
	return stamp
}

// files are the photos that a library names.
func (s *Seen) files(ctx context.Context, p *Program) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stamp := stampOf(p.At)
	if w, ok := s.was[p.At]; ok && stamp != "" && w.stamp == stamp {
		return w.files, nil
	}
	lib, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	if s.was == nil {
		s.was = make(map[string]named)
	}
	s.was[p.At] = named{stamp, lib.Files}
	return lib.Files, nil
}
