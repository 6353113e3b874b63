package tasks

import (
	"context"
	"errors"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/source"
)

// Seal lists every source again in full and hashes every byte of those that can
// change without a trace.
func (w *Worker) Seal(ctx context.Context, job engine.Job, report engine.Report) (res engine.SealResult, err error) {
	res.At = w.now()
	s, err := w.survey(ctx, job)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	if s.missing.Code != "" {
		return res, errors.New(s.missing.Text)
	}
	l, err := w.ledgerOf(job)
	if err != nil {
		return res, err
	}
	var hash []*origin
	for _, o := range s.required() {
		if o.rehash {
			hash = append(hash, o)
		}
	}
	if l != nil {
		report(engine.Progress{Step: departure.StepSeal})
		r, err := copy.Rehash(ctx, l, items(ctx, hash, job, func(*source.Item) bool { return true }), copy.Options{
			Now: w.cfg.Clock.Now,
			Progress: func(p copy.Progress) {
				report(engine.Progress{Step: departure.StepSeal, Items: int64(p.Listed), Bytes: p.Bytes})
			},
		})
		if err != nil {
			return res, err
		}
		res.Differs = int64(r.Differ)
	}
	s.anew()
	for _, o := range s.required() {
		listing, _ := w.list(ctx, s, o, l)
		row := departure.SealRow{Source: o.src, Keys: listing.Keys, Items: listing.Items, End: w.now(), Why: listing.Why,
			Intact: listing.Complete && listing.Missing() == 0}
		res.Rows = append(res.Rows, row)
	}
	res.End = w.now()
	return res, ctx.Err()
}
