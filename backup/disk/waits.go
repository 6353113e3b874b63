package disk

import (
	"os"
	"runtime"
	"sync"
)

// Go runs on as many threads as there are processors, and one that waits in a
// call to the disk keeps its turn until the runtime comes by and takes it away.
// Where a call is not much longer than that, as a write past the cache,
// processors stand idle though there is work: a fifth of the time, measured with
// two of them and 2,000 photos; a twelfth with twice the turns. Reading back,
// which waits for the disk itself, gained nothing.
const turnsPerProcessor = 2

var waiting struct {
	mu   sync.Mutex
	runs int
	set  int // 0: left as it was
}

// Waits has more threads run Go than there are processors until the last that
// asked for it ends, for work that waits for the disk as much as it computes. It
// concerns the whole process. Whoever chose a number, be it by the variable
// GOMAXPROCS, keeps it.
func Waits() (end func()) {
	w := &waiting
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs++; w.runs == 1 {
		w.set = moreTurns()
	}
	return sync.OnceFunc(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.runs--; w.runs == 0 && w.set != 0 && runtime.GOMAXPROCS(0) == w.set {
			runtime.SetDefaultGOMAXPROCS()
		}
	})
}

// moreTurns gives the number set, or 0 where somebody else chose one.
func moreTurns() int {
	if os.Getenv("GOMAXPROCS") != "" {
		return 0
	}
	was := runtime.GOMAXPROCS(0)
	runtime.SetDefaultGOMAXPROCS()
	if usual := runtime.GOMAXPROCS(0); usual != was {
		runtime.GOMAXPROCS(was)
		return 0
	}
	runtime.GOMAXPROCS(turnsPerProcessor * was)
	return turnsPerProcessor * was
}
