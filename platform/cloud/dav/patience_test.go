package dav

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// waiting records the waits of a client, which pass at once.
type waiting struct {
	mu    sync.Mutex
	waits []time.Duration
}

func (w *waiting) After(d time.Duration) (<-chan time.Time, func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits = append(w.waits, d)
	passed := make(chan time.Time)
	close(passed)
	return passed, func() {}
}

func (w *waiting) take() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.waits
	w.waits = nil
	return taken
}

// TestRetryAfter: a server that asks for a little patience is given it, within
// bounds; one that asks for more, or for nothing that can be read, is not waited
// for, and what it asked for is told.
func TestRetryAfter(t *testing.T) {
	const s = time.Second
	skewed := time.Now().Add(-7 * time.Hour) // the server's clock
	date := func(d time.Duration) string { return skewed.Add(d).UTC().Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		value string
		times int // how often the server says so; 0: always
		waits []time.Duration
		retry time.Duration
	}{
		"a little, once":      {"5", 1, []time.Duration{5 * s}, 0},
		"no time at all":      {"0", 1, []time.Duration{s}, 0},
		"a date of its own":   {date(6 * s), 1, []time.Duration{6 * s}, 0},
		"a date that is past": {date(-time.Hour), 1, []time.Duration{s}, 0},
		"again and again":     {"5", 0, []time.Duration{5 * s, 5 * s}, 5 * s},
		"more than there is":  {"15", 0, []time.Duration{15 * s}, 15 * s},
		"too long":            {"120", 0, nil, 120 * s},
		"a date far off":      {date(time.Hour), 0, nil, time.Hour},
		"for ever":            {"99999999", 0, nil, maxRetryAfter},
		"nothing said":        {"", 0, nil, 0},
		"not a time":          {"soon", 0, []time.Duration{s, s}, 0},
	} {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			t.Run(name, func(t *testing.T) {
				server := cloud(t, davtest.Options{Now: func() time.Time { return skewed }}, davtest.Content{Contacts: 3})
				var w waiting
				config := configFor(server.URL())
				config.After = w.After
				client := client(t, config)
				coll := book(t, client)
				server.Inject(davtest.Fault{Status: status, RetryAfter: c.value, Times: c.times})
				l, err := client.List(deadline(t), coll)
				if got := w.take(); !slices.Equal(got, c.waits) {
					t.Errorf("%d: waited %v, want %v", status, got, c.waits)
				}
				if c.times > 0 && (err != nil || l.Count != 3) || c.times == 0 && (!errors.Is(err, ErrUnavailable) || l.Complete || l.Retry != c.retry) {
					t.Errorf("%d: %d items, retry %v, %v", status, l.Count, l.Retry, err)
				}
			})
		}
	}
}

// TestPatienceIsOfTheWholeCall: a thousand folders that each ask for patience get
// as much as one.
func TestPatienceIsOfTheWholeCall(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Photos: 2000})
	var w waiting
	config := configFor(s.URL())
	config.After = w.After
	c := client(t, config)
	root := tree(t, c)
	for i := range 20 {
		s.Inject(davtest.Fault{Status: 429, RetryAfter: "3", Times: 1, Skip: i * 3})
	}
	l, err := c.Walk(deadline(t), root, func(Item) error { return nil })
	var total time.Duration
	for _, d := range w.take() {
		total += d
	}
	if !errors.Is(err, ErrUnavailable) || l.Complete || total > 20*time.Second || total < 6*time.Second {
		t.Errorf("it waited %v: %+v, %v", total, l, err)
	}
	// A glance does not wait at all.
	s.Heal()
	books, ls := listedBooks(t, c)
	s.Inject(davtest.Fault{Status: 429, RetryAfter: "1"})
	if same, err := c.Poll(deadline(t), books, ls); same != Unproved || !errors.Is(err, ErrUnavailable) || len(w.take()) != 0 {
		t.Errorf("polled: %v, %v", same, err)
	}
}

// TestPatienceEndsWithTheCall: neither a deadline that comes first nor a call that
// was given up is waited out.
func TestPatienceEndsWithTheCall(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 3})
	config := configFor(s.URL())
	ctx, cancel := context.WithCancel(deadline(t))
	waits := 0
	config.After = func(time.Duration) (<-chan time.Time, func()) {
		waits++
		cancel()
		return make(chan time.Time), func() {}
	}
	c := client(t, config)
	coll := book(t, c)
	s.Inject(davtest.Fault{Status: 503, RetryAfter: "10"})
	if l, err := c.List(ctx, coll); !errors.Is(err, context.Canceled) || l.Complete || waits != 1 {
		t.Errorf("given up while it waited %d times: %+v, %v", waits, l, err)
	}
	short, end := context.WithTimeout(deadline(t), 8*time.Second)
	defer end()
	if l, err := c.List(short, coll); !errors.Is(err, ErrUnavailable) || l.Retry != 10*time.Second || waits != 1 {
		t.Errorf("a deadline before the wait's end: waited %d times, %v", waits, err)
	}
}
