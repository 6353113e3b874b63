package tasks

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

// Backup copies every listed item that the ledger lacks. What is in the copy
// when it ends stays, whatever ended it.
func (w *Worker) Backup(ctx context.Context, job engine.Job, report engine.Report) (res engine.CopyResult, err error) {
	s, err := w.survey(ctx, job)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	b, err := w.openBag(job, true)
	if err != nil {
		return res, destination(err, job)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	job.Destination.BagID = b.key
	l, err := w.openLedger(b.key)
	if err != nil {
		return res, err
	}
	// Without a working ledger nothing counts as copied: it is opened anew.
	defer func() { err = errors.Join(err, w.afterwards(err, b.key)) }()
	if err := w.begin(b); err != nil {
		return res, destination(err, job)
	}
	ctx, ended := w.whilePlugged(ctx, b, job)
	origins := s.required()
	total := w.expected(ctx, s, origins, l)
	want := func(item *source.Item) bool { return state(l, item) != ledger.Held }
	o := copy.Options{
		Now: w.cfg.Clock.Now, Sources: refs(origins, job),
		// What does not parse was copied as it stands, so that no run meets it
		// again: it stays listed until another version is read back.
		Keeps: func(f *ledger.Failure) bool { return f.Reason == ledger.NotParsed },
		Progress: func(p copy.Progress) {
			report(engine.Progress{Step: departure.StepBackup, Items: int64(p.Copied + p.Failed), Total: total, Bytes: p.Bytes})
		},
	}
	var rested time.Time
	r, err := copy.Run(ctx, b.Bag, l, w.noting(items(ctx, origins, job, want), &rested), o)
	if err == nil && !rested.IsZero() {
		// What was written a moment ago is read once more when it has rested.
		if err = w.rest(ctx, rested); err == nil {
			s.anew()
			var again copy.Report
			again, err = copy.Run(ctx, b.Bag, l, items(ctx, origins, job, want), o)
			r.Copied, r.Failed, r.Bytes = r.Copied+again.Copied, again.Failed, r.Bytes+again.Bytes
		}
	}
	// What was copied is read back next, and then shown with previews; failures,
	// and a copy that cannot be looked at yet, are shown now.
	var beside string
	if err == nil && (r.Failed > 0 || !hasPages(b.Bag)) {
		beside = w.beside(ctx, b.Bag, l, job, 0, noPreviews)
	}
	res = w.result(b, l, int64(r.Copied), int64(r.Failed), r.Bytes)
	res.Beside, res.Mended = beside, mendedText(&r.Mended)
	return res, destination(ended(err), job)
}

// noting passes items on, and notes when the last that was written a moment ago
// will have rested until its stamps can be trusted. None: rested stays zero.
func (w *Worker) noting(items iter.Seq2[source.Item, error], rested *time.Time) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		for item, err := range items {
			if err == nil && item.Unsettled {
				if at := w.cfg.Clock.Now().Add(item.Rest); at.After(*rested) {
					*rested = at
				}
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

func (w *Worker) rest(ctx context.Context, until time.Time) error {
	rested, stop := w.cfg.Clock.After(until.Sub(w.cfg.Clock.Now()))
	defer stop()
	select {
	case <-rested:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// afterwards closes the ledger where a run ended in an error that may be its
// own, so that the next one opens it anew.
func (w *Worker) afterwards(err error, id string) error {
	var blocked *engine.BlockedError
	if err == nil || errors.As(err, &blocked) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return w.dropLedger(id)
}

// expected is how many items a run is going to copy, as far as listings tell.
func (w *Worker) expected(ctx context.Context, s *survey, origins []*origin, l *ledger.Ledger) (n int64) {
	for _, o := range origins {
		listing, _ := w.list(ctx, s, o, l)
		n += listing.Missing()
	}
	return n
}

func refs(origins []*origin, job engine.Job) []source.Ref {
	var rs []source.Ref
	for _, o := range origins {
		rs = append(rs, o.ref(job))
	}
	return rs
}

// result is what a run left, empty where the ledger cannot say.
func (w *Worker) result(b *held, l *ledger.Ledger, done, failed, size int64) engine.CopyResult {
	res := engine.CopyResult{BagID: b.key, Disk: b.place.Disk(), Done: done, Failed: failed, Bytes: size}
	digest, err := l.Digest()
	if err != nil {
		return engine.CopyResult{}
	}
	res.Ledger = departure.Digest(digest)
	return res
}

// readAll reads one file of the copy.
func readAll(b *bag.Bag, at string) (data []byte, err error) {
	f, err := b.Root().Open(at)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(f)
}
