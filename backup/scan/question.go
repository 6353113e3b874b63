package scan

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// together is how many questions about one thing are under way at most.
const together = 16

// Question is a call that may reach a file system, and that is waited for no
// longer than it is worth. No signal ends a call to a server that is gone: it is
// left behind with its thread, and ends unheard when it does. While one is, no
// other question about the same thing is asked: the answer is [ErrNoAnswer] at
// once, and asking is how to find out that it answers again.
type Question[T any] struct {
	// About names what is asked within the process, by its absolute path if that
	// is a file or a folder.
	About string
	// Limit is how long the call may take; 0: [Patience]. Its context ends then,
	// and it is left behind where that does not end it.
	Limit time.Duration
	Call  func(context.Context) T
	// Extend says how much longer the call may take, each time that it took as
	// long as it might; nil, and 0: no longer.
	Extend func() time.Duration
	// Late gets what comes when nobody waits any more; it may be nil.
	Late func(T)
}

// Ask gives what the call gives. The error is [ErrNoAnswer], or ctx's own. A panic
// of the call is the caller's, as if nobody stood in between.
func (q Question[T]) Ask(ctx context.Context) (got T, err error) {
	if q.Limit <= 0 {
		q.Limit = Patience
	}
	timer := time.NewTimer(q.Limit)
	defer timer.Stop()
	u, err := enter(ctx, q.About, q.Limit, timer.C)
	if err != nil {
		return got, err
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	answers, left := make(chan answer[T]), make(chan struct{})
	defer close(left)
	go q.call(inner, u, answers, left)
	ended, leaving := ctx.Done(), false
	for {
		select {
		case a := <-answers:
			if a.fault != nil {
				panic(a.fault)
			}
			return a.got, nil
		case <-ended:
			ended, leaving = nil, true
		case <-timer.C:
			more := time.Duration(0)
			if q.Extend != nil && !leaving && ctx.Err() == nil {
				u.until(time.Now().Add(q.Limit)) // while that is found out, others may ask
				more = q.Extend()
				u.until(time.Now().Add(more))
			}
			switch {
			case more > 0:
				timer.Reset(more)
				continue
			case leaving && ctx.Err() != nil:
				return got, ctx.Err()
			case leaving:
				return got, ErrNoAnswer
			}
			leaving = true
		}
		cancel()
		timer.Reset(farewell)
	}
}

type answer[T any] struct {
	got   T
	fault any
}

func (q *Question[T]) call(ctx context.Context, u *underWay, answers chan<- answer[T], left <-chan struct{}) {
	var a answer[T]
	func() {
		defer func() {
			if p := recover(); p != nil {
				a.fault = fmt.Sprintf("%v\n%s", p, debug.Stack())
			}
		}()
		a.got = q.Call(ctx)
	}()
	u.leave()
	select {
	case answers <- a:
	case <-left:
		if q.Late != nil && a.fault == nil {
			q.Late(a.got)
		}
	}
}

// Ask is a [Question] of which nobody waits for the end of a context. It is false
// where there was no answer.
func Ask[T any](about string, limit time.Duration, call func() T) (T, bool) {
	got, err := Question[T]{About: about, Limit: limit, Call: func(context.Context) T { return call() }}.Ask(context.Background())
	return got, err == nil
}

// inquiries are the questions that are under way, by what they are about: what hangs in
// the kernel is of the process, whoever asked.
var inquiries = struct {
	sync.Mutex
	about map[string]*inquiry
}{about: make(map[string]*inquiry)}

// inquiry is what is under way about one thing.
type inquiry struct {
	asking map[*underWay]struct{}
	room   chan struct{} // holds one token for each of them
	users  int           // those, and who waits to be one
}

// underWay is one call.
type underWay struct {
	about string
	of    *inquiry
	limit time.Time
}

// enter begins a call, unless an earlier one about the same got no answer.
func enter(ctx context.Context, about string, limit time.Duration, over <-chan time.Time) (*underWay, error) {
	inquiries.Lock()
	in := inquiries.about[about]
	if in == nil {
		in = &inquiry{asking: make(map[*underWay]struct{}), room: make(chan struct{}, together)}
		inquiries.about[about] = in
	}
	if in.silent() {
		inquiries.Unlock()
		return nil, ErrNoAnswer
	}
	in.users++
	inquiries.Unlock()
	var err error
	select {
	case in.room <- struct{}{}:
		inquiries.Lock()
		defer inquiries.Unlock()
		u := &underWay{about: about, of: in, limit: time.Now().Add(limit)}
		in.asking[u] = struct{}{}
		return u, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-over:
		err = ErrNoAnswer
	}
	inquiries.Lock()
	defer inquiries.Unlock()
	in.done(about)
	return nil, err
}

// silent reports whether a call took longer than it might.
func (in *inquiry) silent() bool {
	now := time.Now()
	for u := range in.asking {
		if now.After(u.limit) {
			return true
		}
	}
	return false
}

func (in *inquiry) done(about string) {
	if in.users--; in.users == 0 {
		delete(inquiries.about, about)
	}
}

func (u *underWay) until(limit time.Time) {
	inquiries.Lock()
	defer inquiries.Unlock()
	u.limit = limit
}

func (u *underWay) leave() {
	inquiries.Lock()
	defer inquiries.Unlock()
	delete(u.of.asking, u)
	<-u.of.room
	u.of.done(u.about)
}
