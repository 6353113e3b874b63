package scan

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/scan/scantest"
)

const short = 50 * time.Millisecond

// soon waits until something holds.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never: %s", what)
		}
	}
}

// TestQuestionLeftBehind: a call that does not come back is left behind once, and
// nobody else waits for the same until it came back.
func TestQuestionLeftBehind(t *testing.T) {
	gone := make(chan struct{})
	var calls, late atomic.Int32
	q := Question[int]{About: t.Name(), Limit: short, Call: func(context.Context) int {
		calls.Add(1)
		<-gone
		return 7
	}, Late: func(int) { late.Add(1) }}
	if got, err := q.Ask(t.Context()); got != 0 || !errors.Is(err, ErrNoAnswer) {
		t.Fatalf("%d, %v", got, err)
	}
	began := time.Now()
	for range 3 {
		if _, err := q.Ask(t.Context()); !errors.Is(err, ErrNoAnswer) {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > farewell {
		t.Errorf("it was waited for again, %v", took)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls hang", n)
	}
	other := Question[int]{About: t.Name() + " not", Call: func(context.Context) int { return 1 }}
	if got, err := other.Ask(t.Context()); got != 1 || err != nil {
		t.Errorf("another thing: %d, %v", got, err)
	}
	close(gone)
	soon(t, "the late answer is taken", func() bool { return late.Load() == 1 })
	if got, err := q.Ask(t.Context()); got != 7 || err != nil {
		t.Errorf("it answers again: %d, %v", got, err)
	}
	inquiries.Lock()
	defer inquiries.Unlock()
	if n := len(inquiries.about); n != 0 {
		t.Errorf("%d are still noted", n)
	}
}

// TestQuestionEnds: a call that heeds its context is no silence.
func TestQuestionEnds(t *testing.T) {
	heeds := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	q := Question[error]{About: t.Name(), Limit: short, Call: heeds}
	if got, err := q.Ask(t.Context()); err != nil || !errors.Is(got, context.Canceled) {
		t.Errorf("after the limit: %v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q.Limit = time.Hour
	if got, err := q.Ask(ctx); err == nil && !errors.Is(got, context.Canceled) || err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v, %v", got, err)
	}
}

// TestQuestionLeftByItsAsker: who ends does not wait, and what goes on is no silence
// before its time.
func TestQuestionLeftByItsAsker(t *testing.T) {
	gone := make(chan struct{})
	q := Question[int]{About: t.Name(), Limit: time.Hour, Call: func(context.Context) int { <-gone; return 1 }}
	ctx, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	if _, err := q.Ask(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	close(gone)
	if got, err := q.Ask(t.Context()); got != 1 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
}

func TestQuestionExtends(t *testing.T) {
	var asked int
	gone := make(chan struct{})
	q := Question[int]{About: t.Name(), Limit: short, Call: func(context.Context) int { <-gone; return 3 }, Extend: func() time.Duration {
		if asked++; asked == 3 {
			close(gone)
		}
		return short
	}}
	if got, err := q.Ask(t.Context()); got != 3 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
}

// TestQuestionCrowd: however many ask at once, few calls hang.
func TestQuestionCrowd(t *testing.T) {
	gone := make(chan struct{})
	var calls atomic.Int32
	told := make(chan error, 10*together)
	for range cap(told) {
		go func() {
			_, err := Question[int]{About: t.Name(), Limit: short, Call: func(context.Context) int { calls.Add(1); <-gone; return 0 }}.Ask(t.Context())
			told <- err
		}()
	}
	for range cap(told) {
		if err := <-told; !errors.Is(err, ErrNoAnswer) {
			t.Error(err)
		}
	}
	if n := calls.Load(); n > together {
		t.Errorf("%d calls hang", n)
	}
	close(gone)
}

func TestQuestionPanics(t *testing.T) {
	defer func() {
		if p, ok := recover().(string); !ok || !strings.Contains(p, "out of range") {
			t.Errorf("the panic came as %v", p)
		}
	}()
	Ask(t.Name(), time.Hour, func() int { return []int{}[len(os.Args)] })
	t.Error("it went on")
}

// TestDeadFolder: what is asked of a folder whose server is gone is waited for once.
// What lies beside it is listed, and it is listed itself once it answers again.
func TestDeadFolder(t *testing.T) {
	dir := t.TempDir()
	back, far := filepath.Join(dir, "back"), filepath.Join(dir, "home", "far")
	for _, d := range []string{back, far} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{filepath.Join(back, "photo.jpg"), filepath.Join(dir, "home", "near.jpg")} {
		if err := os.WriteFile(f, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := scantest.Mount(t, back, far)
	root, err := Open(filepath.Join(dir, "home"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	walk := func(patience time.Duration) (names []string, err error) {
		_, err = root.Walk(t.Context(), Options{Patience: patience}, func(es []Entry) error {
			for _, e := range es {
				names = append(names, e.Path)
			}
			return nil
		})
		return names, err
	}
	m.Hang()
	for i, patience := range []time.Duration{time.Second, time.Hour} { // the second one does not wait
		names, err := walk(patience)
		var incomplete *IncompleteError
		if !errors.As(err, &incomplete) || incomplete.First.Path != "far" || !errors.Is(incomplete.First.Err, ErrNoAnswer) {
			t.Errorf("walk %d: %v", i, err)
		}
		if len(names) != 1 || names[0] != "near.jpg" {
			t.Errorf("walk %d listed %q", i, names)
		}
	}
	m.Answer()
	soon(t, "it is listed again", func() bool {
		names, err := walk(time.Hour)
		return err == nil && len(names) == 2
	})
}
