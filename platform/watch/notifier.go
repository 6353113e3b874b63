package watch

import (
	"errors"
	"sync"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// notifier is one inotify instance. A goroutine of its own takes the errors:
// fsnotify 1.10 may send one while it holds the lock that adding a watch needs,
// so the loop must not be the one who receives them.
type notifier struct {
	w      *fsnotify.Watcher
	signal chan struct{} // holds one token while there is trouble
	settle chan chan struct{}
	ended  chan struct{}

	mu   sync.Mutex
	lost string // why events may be missing
}

func openNotifier() (*notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	n := &notifier{w: w, signal: make(chan struct{}, 1), settle: make(chan chan struct{}), ended: make(chan struct{})}
	go n.takeErrors()
	return n, nil
}

func (n *notifier) takeErrors() {
	defer close(n.ended)
	for {
		select {
		case err, ok := <-n.w.Errors:
			if !ok {
				return
			}
			n.note(err)
		case settled := <-n.settle:
			close(settled)
		}
	}
}

func (n *notifier) note(err error) {
	if errors.Is(err, unix.EINVAL) {
		return // a watch that the kernel had removed already
	}
	n.mu.Lock()
	n.lost = reason(err)
	n.mu.Unlock()
	select {
	case n.signal <- struct{}{}:
	default:
	}
}

// takeTrouble returns why events may have been lost since it was last called;
// empty: none were. An overflow that the kernel reported before an event that
// the caller has received is always included.
func (n *notifier) takeTrouble() string {
	if n == nil {
		return ""
	}
	settled := make(chan struct{})
	select {
	case n.settle <- settled:
		<-settled
	case <-n.ended:
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	lost := n.lost
	n.lost = ""
	return lost
}

// events is nil, which blocks for ever, where there is no instance.
func (n *notifier) events() <-chan fsnotify.Event {
	if n == nil {
		return nil
	}
	return n.w.Events
}

func (n *notifier) troubled() <-chan struct{} {
	if n == nil {
		return nil
	}
	return n.signal
}

func (n *notifier) add(path string) error { return n.w.Add(path) }

// remove ends a watch; one that the kernel has removed by itself is no error.
func (n *notifier) remove(path string) { _ = n.w.Remove(path) }

func (n *notifier) close() {
	_ = n.w.Close()
	<-n.ended
}
