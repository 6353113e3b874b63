package agent

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/clearance-project/clearance/agent/engine"
)

const (
	// watchBuffer is how many updates a reader may be behind.
	watchBuffer = 16
	// watchPatience is how long one that is further behind may take to read on.
	// What it missed meanwhile is in the next update, which holds everything.
	watchPatience = 10 * time.Second
)

// Watch sends a snapshot of a departure, then one after each change. Without an
// id it does so for every departure that is open, or opened later, with one last
// update as it closes. A reader that does not read for a while gets one last
// update that says so.
func (s *Service) Watch(ctx context.Context, by Caller, id string) (<-chan Update, error) {
	if id != "" {
		if _, _, err := s.engine.Snapshot(ctx, id); err != nil {
			return nil, s.told(err)
		}
	}
	w := &watcher{s: s, out: make(chan Update, watchBuffer), sent: make(map[string]uint64), open: make(map[string]bool)}
	go func() {
		defer close(w.out)
		for w.round(ctx, id) {
		}
	}()
	return w.out, nil
}

// watcher is one reader of updates.
type watcher struct {
	s    *Service
	out  chan Update
	sent map[string]uint64 // the version of each departure that was sent last
	open map[string]bool   // whether it was open then
}

// round sends what is new, waits for more, and reports whether to go on.
func (w *watcher) round(ctx context.Context, only string) bool {
	news := w.s.engine.News()
	versions := w.s.engine.Versions()
	for _, id := range slices.Sorted(maps.Keys(versions)) {
		last, known := w.sent[id]
		if (only != "" && id != only) || (known && last == versions[id]) {
			continue
		}
		w.sent[id] = versions[id]
		if !w.send(ctx, id, only != "") {
			return false
		}
	}
	select {
	case <-news:
		return true
	case <-ctx.Done():
		return false
	}
}

// send sends a departure as it is, unless it was closed before already.
func (w *watcher) send(ctx context.Context, id string, always bool) bool {
	snap, _, err := w.s.engine.Snapshot(ctx, id)
	if err != nil {
		return false
	}
	was, is := w.open[id], snap.Record.State == engine.Open
	w.open[id] = is
	if !was && !is && !always {
		return true
	}
	info := w.s.info(snap, w.s.live(snap))
	late, stop := w.s.cfg.Clock.After(watchPatience)
	defer stop()
	select {
	case w.out <- Update{Departure: &info}:
		return true
	case <-ctx.Done():
	case <-late:
		w.lagged(ctx)
	}
	return false
}

// lagged makes room for one last word to a reader that is behind.
func (w *watcher) lagged(ctx context.Context) {
	select {
	case <-w.out:
	default:
	}
	select {
	case w.out <- Update{Lagged: true}:
	case <-ctx.Done():
	}
}
