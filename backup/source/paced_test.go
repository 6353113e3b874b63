package source

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/scan"
)

// numbers lists so many items, and waits for gone before one of them.
func numbers(n, waits int, gone <-chan struct{}, ended chan<- struct{}) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		defer func() { ended <- struct{}{} }()
		for i := range n {
			if i == waits {
				<-gone
			}
			if !yield(Item{Key: Key{ID: fmt.Sprint(i)}}, nil) {
				return
			}
		}
	}
}

func drained(items iter.Seq2[Item, error]) (n int, err error) {
	for _, err := range items {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// TestPaced: a listing comes as it is, however long, and ends once it is not wanted.
func TestPaced(t *testing.T) {
	ended := make(chan struct{}, 1)
	for _, n := range []int{0, 1, ahead, 3*ahead + 1} {
		got, err := drained(Paced(t.Context(), Ref{}, t.Name(), numbers(n, -1, nil, ended)))
		if <-ended; got != n || err != nil {
			t.Errorf("%d of %d, %v", got, n, err)
		}
	}
	for _, err := range Paced(t.Context(), Ref{}, t.Name(), numbers(99, -1, nil, ended)) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	<-ended
}

// TestPacedWaitsOnce: a listing that does not go on ends with its reason, the next
// one of the same does not wait, and each ends when it is let go.
func TestPacedWaitsOnce(t *testing.T) {
	gone, ended := make(chan struct{}), make(chan struct{}, 9)
	list := func(limit time.Duration) (int, error) {
		return drained(paced(t.Context(), Ref{}, t.Name(), limit, numbers(2*ahead, ahead+1, gone, ended)))
	}
	var incomplete *Incomplete
	if n, err := list(50 * time.Millisecond); n != ahead || !errors.As(err, &incomplete) || !errors.Is(incomplete.Err, scan.ErrNoAnswer) {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := list(time.Hour); n != 0 || !errors.As(err, &incomplete) || !errors.Is(incomplete.Err, scan.ErrNoAnswer) {
		t.Errorf("once more: %d, %v", n, err)
	}
	close(gone)
	<-ended
	for {
		n, err := list(time.Hour)
		if errors.As(err, &incomplete) {
			continue // the one that was left behind is just ending
		}
		if <-ended; n != 2*ahead || err != nil {
			t.Errorf("it answers again: %d, %v", n, err)
		}
		return
	}
}

func TestPacedEndsWithItsContext(t *testing.T) {
	gone, ended := make(chan struct{}), make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	var incomplete *Incomplete
	n, err := drained(Paced(ctx, Ref{}, t.Name(), numbers(ahead, 1, gone, ended)))
	if n != 0 || !errors.As(err, &incomplete) || !errors.Is(incomplete.Err, context.Canceled) {
		t.Errorf("%d, %v", n, err)
	}
	close(gone)
	<-ended
}
