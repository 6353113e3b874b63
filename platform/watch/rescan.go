package watch

import (
	"time"
)

// storm counts how often events were lost in close succession.
type storm struct {
	why     string // why there is no inotify instance, or the last loss
	last    time.Time
	strikes int
}

const (
	stormGap     = 10 * time.Second // losses closer than this are one storm
	stormStrikes = 3                // so many, and the sources are polled for a while
	stormWhy     = "changes come faster than they can be watched"
)

func (l *loop) openNotifier() {
	n, err := openNotifier()
	if err != nil {
		l.storm.why = reason(err)
		return
	}
	l.notify = n
	l.watchCookies()
}

func (l *loop) closeNotifier() {
	if l.notify != nil {
		l.notify.close()
		l.notify = nil
	}
}

// rescan begins anew after events were lost: what the kernel reports by old
// names cannot be told from what it reports by new ones, so every watch is
// placed again on an instance of its own.
func (l *loop) rescan(why string) {
	now := l.opts.Clock.Now()
	if l.storm.strikes++; now.Sub(l.storm.last) > stormGap {
		l.storm.strikes = 1
	}
	l.storm.last, l.storm.why = now, why
	l.closeNotifier()
	l.tree, l.anchors = newTree(), map[string]int{}
	for _, s := range l.sources {
		s.folders, s.anchor = 0, ""
	}
	l.openNotifier()
	for _, s := range l.sources {
		switch {
		case s.mode == Live && l.storm.strikes >= stormStrikes:
			s.rescans++
			l.toPolled(s, stormWhy, true)
			l.mark(s, Rescan)
		case s.mode == Live:
			s.rescans++
			l.attach(s)
			l.mark(s, Rescan)
		case s.mode == Missing:
			l.reattach(s)
		}
	}
	// Whatever happened before a pending fence was covered by what was marked.
	for name, passed := range l.fences {
		delete(l.fences, name)
		l.deliver.barrier(passed)
	}
}
