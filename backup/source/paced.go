package source

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clearance-project/clearance/backup/scan"
)

// ahead is how many items of a listing are asked for at once.
const ahead = 32

// Paced is a listing that is waited for no longer than [scan.Patience] between two
// items: it ends with [*Incomplete] for [scan.ErrNoAnswer] then. about names what
// is listed, as [scan.Question.About] does: while one listing of it waits, no
// other one does.
func Paced(ctx context.Context, ref Ref, about string, items iter.Seq2[Item, error]) iter.Seq2[Item, error] {
	return paced(ctx, ref, about, scan.Patience, items)
}

func paced(ctx context.Context, ref Ref, about string, limit time.Duration, items iter.Seq2[Item, error]) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		next, stop := iter.Pull2(items)
		var turn sync.Mutex // of whoever is in next: a call that was left behind stays there
		ended := false
		end := func() { ended = true; stop(); turn.Unlock() }
		defer func() {
			if turn.TryLock() {
				end()
			}
		}()
		for {
			var came atomic.Int64
			was := came.Load()
			got, err := scan.Question[[]oneListed]{
				About: about, Limit: limit,
				Call: func(ctx context.Context) (got []oneListed) {
					turn.Lock()
					defer turn.Unlock()
					for !ended && len(got) < ahead && ctx.Err() == nil {
						item, err, ok := next()
						if !ok {
							return append(got, oneListed{end: true})
						}
						got = append(got, oneListed{item: item, err: err})
						came.Add(1)
					}
					return got
				},
				Extend: func() time.Duration {
					if now := came.Load(); now != was {
						was = now
						return limit
					}
					return 0
				},
				Late: func([]oneListed) { turn.Lock(); end() },
			}.Ask(ctx)
			if err != nil {
				yield(Item{Key: Key{Ref: ref}}, &Incomplete{Ref: ref, Err: err})
				return
			}
			for i := range got {
				if got[i].end || !yield(got[i].item, got[i].err) {
					return
				}
			}
			if ctx.Err() != nil && len(got) == 0 {
				yield(Item{Key: Key{Ref: ref}}, &Incomplete{Ref: ref, Err: ctx.Err()})
				return
			}
		}
	}
}

// oneListed is one thing that a listing gave, or its end.
type oneListed struct {
	item Item
	err  error
	end  bool
}
