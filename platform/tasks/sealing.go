package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

// Seal lists every source again in full and hashes every byte of those that can
// change without a trace. What cannot be listed or read is a broken row.
func (w *Worker) Seal(ctx context.Context, job engine.Job, report engine.Report) (res engine.SealResult, err error) {
	res.At = w.now()
	w.shelf.Forget() // a change through a mapping leaves the stamps as they are
	s, err := w.survey(ctx, job)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	l, err := w.ledgerOf(job)
	if err != nil {
		return res, err
	}
	unread, differs, err := s.rehash(ctx, l, report)
	if err != nil {
		return res, err
	}
	s.anew()
	for _, o := range s.required() {
		listing, _ := w.list(ctx, s, o, l)
		row := departure.SealRow{Source: o.src, Keys: listing.Keys, Items: listing.Items, End: w.now(), Why: listing.Why,
			Intact: listing.Complete && listing.Missing() == 0}
		if why, broken := unread[o.src.ID]; broken && row.Intact {
			row.Intact, row.Why = false, why
		}
		res.Rows = append(res.Rows, row)
	}
	res.Differs, res.Missing, res.End = differs, s.missing, w.now()
	return res, ctx.Err()
}

// rehash reads the bytes of the sources that can change without a trace, and
// says of each why it was not read in full.
func (s *survey) rehash(ctx context.Context, l *ledger.Ledger, report engine.Report) (unread map[departure.SourceID]departure.Reason, differs int64, err error) {
	if l == nil {
		return nil, 0, nil
	}
	origins := slices.DeleteFunc(s.required(), func(o *origin) bool { return !o.rehash })
	report(engine.Progress{Step: departure.StepSeal})
	r, err := copy.Rehash(ctx, l, items(ctx, origins, s.job, func(*source.Item) bool { return true }), copy.Options{
		Now: s.w.cfg.Clock.Now,
		Progress: func(p copy.Progress) {
			report(engine.Progress{Step: departure.StepSeal, Items: int64(p.Listed), Bytes: p.Bytes})
		},
	})
	if err != nil {
		return nil, 0, err
	}
	return s.unreadOf(origins, l, &r), int64(r.Differ), nil
}

// unreadOf are the sources whose bytes were not all read again. An item that
// never was in the copy is none of them: the listing has it as failed or
// missing.
func (s *survey) unreadOf(origins []*origin, l *ledger.Ledger, r *copy.Rehashed) map[departure.SourceID]departure.Reason {
	unread := make(map[departure.SourceID]departure.Reason)
	for _, o := range origins {
		for _, in := range r.Incomplete {
			if in.Ref.Source == string(o.src.ID) || in.Ref.Source == "" {
				unread[o.src.ID] = s.listReason(o.src, in.Err)
			}
		}
		for _, f := range r.Failures {
			if f.Source == string(o.src.ID) && l.State(&f.Key, f.Rev) == ledger.Held {
				unread[o.src.ID] = departure.Reason{Code: "not-read", Text: fmt.Sprintf("%s in %s could not be read again: %s", f.Name, o.src.Name, f.Detail)}
			}
		}
		if r.Failed > len(r.Failures) { // whose they are was not kept
			unread[o.src.ID] = departure.Reason{Code: "not-read", Text: fmt.Sprintf("%d items could not be read again", r.Failed)}
		}
	}
	return unread
}

// Sweep is the quick look before an irreversible act: it fences, lists again
// and compares with the sealed rows.
func (w *Worker) Sweep(ctx context.Context, job engine.Job) (moved []engine.Moved, err error) {
	s, err := w.survey(ctx, job)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	for _, o := range s.required() {
		l, _ := w.list(ctx, s, o, nil)
		i := slices.IndexFunc(job.Sealed, func(r departure.SealRow) bool { return r.Source.ID == o.src.ID })
		if i < 0 || !l.Complete || l.Keys != job.Sealed[i].Keys {
			moved = append(moved, engine.Moved{Source: o.src.ID, Why: l.Why})
		}
	}
	if s.missing.Code != "" {
		moved = append(moved, engine.Moved{Why: s.missing})
	}
	return moved, w.fenceWatch(ctx, job)
}
