package tasks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/watch"
)

// answering is how long a folder may take to say what it is, and a program's
// files to be read before it is asked whether a server is gone. Somebody waits: a
// disk that spins up takes ten seconds, a mount whose server is gone takes for
// ever.
const answering = 20 * time.Second

// noAnswer says to a person that a folder is on something that does not answer, or
// that what a program keeps is, in which folders is not known then.
type noAnswer struct {
	path string
	of   string   // the program
	far  []string // the mounts that do not answer
}

func (e *noAnswer) Error() string {
	gone := "it is on a server or a disk that is gone. Bring that back, or unmount it, and try again"
	switch {
	case e.path != "":
		return fmt.Sprintf("%s gives no answer: %s", e.path, gone)
	case len(e.far) > 0:
		return fmt.Sprintf("what %s keeps gives no answer, nor does %s: %s", e.of, strings.Join(e.far, ", "), gone)
	}
	return fmt.Sprintf("what %s keeps gives no answer: %s", e.of, gone)
}

func (e *noAnswer) Unwrap() error { return scan.ErrNoAnswer }

// unanswered reports whether nothing was learned, as the file system gave no answer
// or nobody waited for one.
func unanswered(err error) bool {
	return errors.Is(err, scan.ErrNoAnswer) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// result is what most calls give.
type result[T any] struct {
	got T
	err error
}

// asked gives what a call to the file system of a path gives, or a *noAnswer.
func asked[T any](ctx context.Context, w *Worker, path string, call func() (T, error)) (T, error) {
	a, err := scan.Question[result[T]]{About: path, Limit: w.patient, Call: func(context.Context) result[T] {
		got, err := call()
		return result[T]{got, err}
	}, Late: func(result[T]) { w.answersAgain() }}.Ask(ctx)
	switch {
	case err == nil:
		return a.got, a.err
	case ctx.Err() != nil:
		return a.got, ctx.Err()
	}
	return a.got, &noAnswer{path: path}
}

// askedOf gives what a call gives that reads what a program keeps in the person's
// home, or a *noAnswer. It is waited for longer than a folder is, as services may
// be asked too, but not while a server is gone that files come from. late gets
// what came when nobody waited any more; it may be nil.
func askedOf[T any](ctx context.Context, w *Worker, program string, call func(context.Context) (T, error), late func(T)) (T, error) {
	began := time.Now()
	a, err := scan.Question[result[T]]{
		About: "what " + program + " keeps for " + w.cfg.State, Limit: w.patient,
		Call: func(ctx context.Context) result[T] {
			got, err := call(ctx)
			return result[T]{got, err}
		},
		Extend: func() time.Duration {
			if time.Since(began) > scan.Patience || len(silentMounts(ctx)) > 0 {
				return 0
			}
			return w.patient
		},
		Late: func(a result[T]) {
			if late != nil {
				late(a.got)
			}
			w.answersAgain()
		},
	}.Ask(ctx)
	switch {
	case err == nil:
		return a.got, a.err
	case ctx.Err() != nil:
		return a.got, ctx.Err()
	}
	return a.got, &noAnswer{of: program, far: silentMounts(ctx)}
}

// answersAgain has every departure looked at again: something that gave no answer
// does.
func (w *Worker) answersAgain() {
	w.mu.Lock()
	all := slices.Collect(maps.Values(w.watches))
	w.mu.Unlock()
	for _, wa := range all {
		wa.changed("")
	}
}

// askedPlace asks one kind of place; all that is asked of it is one question.
func askedPlace[T any](ctx context.Context, w *Worker, p binding.Place, call func(context.Context) (T, error)) (T, error) {
	return askedOf(ctx, w, p.Kind(), call, nil)
}

// lookAt is what is known of a folder, as far as it answers.
func (w *Worker) lookAt(ctx context.Context, path string) (place.Place, error) {
	return asked(ctx, w, path, func() (place.Place, error) { return place.Look(path) })
}

// mountLimit is how long the server behind a mount may take to answer before it
// counts as gone, and maxMounts how many mounts are asked.
const (
	mountLimit = 2 * time.Second
	maxMounts  = 64
)

// silentMounts are the folders where something is mounted that does not answer:
// each is asked at the same time, by a question that no cache answers.
func silentMounts(ctx context.Context) []string {
	all, err := place.Mounts()
	if err != nil {
		return nil
	}
	all = slices.DeleteFunc(all, func(m place.Mount) bool { return !watch.Far(m.FSType) })
	silent := make([]string, min(len(all), maxMounts))
	var asking sync.WaitGroup
	for i := range silent {
		asking.Go(func() {
			_, err := scan.Question[error]{About: "mount " + all[i].At, Limit: mountLimit, Call: func(context.Context) error {
				var st unix.Statfs_t
				return unix.Statfs(all[i].At, &st)
			}}.Ask(ctx)
			if err != nil {
				silent[i] = all[i].At
			}
		})
	}
	asking.Wait()
	return slices.DeleteFunc(silent, func(at string) bool { return at == "" })
}
