package tasks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/verify"
)

// Verify reads back from the destination what was not read since it was
// written, or not since before. What is damaged is put aside and copied anew by
// the next Backup, where its source still has it.
func (w *Worker) Verify(ctx context.Context, job engine.Job, before time.Time, report engine.Report) (res engine.CopyResult, err error) {
	b, err := w.openBag(job, false)
	if err != nil {
		return res, destination(err, job)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	l, err := w.openLedger(b.key)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, w.afterwards(err, b.key)) }()
	if err := w.begin(b); err != nil {
		return res, destination(err, job)
	}
	mended, err := copy.Mend(b.Bag, l)
	if err == nil && mended.Any() {
		err = copy.Fold(b.Bag, l)
	}
	if err != nil {
		return res, destination(err, job)
	}
	since, err := w.readFrom(b)
	if err != nil {
		return res, err
	}
	if before.Before(since) {
		before = since
	}
	plugged, ended := w.whilePlugged(ctx, b, job)
	r, err := verify.Run(plugged, b.Bag, l, verify.Options{
		Now: w.cfg.Clock.Now, OnlyNew: true, MaxAge: w.readAge(before), Check: check,
		Progress: func(p verify.Progress) {
			report(engine.Progress{Step: departure.StepVerify, Items: int64(p.Done), Total: int64(p.Total), Bytes: p.Bytes})
		},
	})
	earlier := 0
	if err == nil {
		earlier, err = w.earlier(plugged, b, l)
	}
	if err = destination(ended(err), job); err != nil {
		return w.result(b, l, int64(r.OK), 0, r.Bytes), err
	}
	if err := w.settleProblems(b.Bag, l, r); err != nil {
		return res, err
	}
	bad, beside := r.Damaged+r.Missing, ""
	if r.OK+r.Unknown+bad > 0 || !hasPages(b.Bag) {
		beside = w.beside(ctx, b.Bag, l, job, bad, previewTime)
	}
	res = w.result(b, l, int64(r.OK), int64(bad+r.Unknown), r.Bytes)
	res.Beside, res.Earlier, res.Mended = beside, int64(earlier), mendedText(&mended)
	return res, nil
}

// earlier reads back, once a day, what the copy holds beyond its ledger, puts
// aside what is damaged, and returns how much that was.
func (w *Worker) earlier(ctx context.Context, b *held, l *ledger.Ledger) (damaged int, err error) {
	now := w.now()
	if age := now.Sub(b.state.Earlier); age >= 0 && age < departure.ReadLife {
		return 0, nil
	}
	e, err := verify.RunEarlier(ctx, b.Bag, l)
	if err != nil {
		return 0, err
	}
	if len(e.Problems) > 0 {
		if err := errors.Join(e.PutAside(b.Bag), copy.Fold(b.Bag, l)); err != nil {
			return 0, err
		}
	}
	for _, p := range e.Problems {
		if p.Status != verify.Unknown {
			damaged++
		}
	}
	if damaged < len(e.Problems) {
		return damaged, nil // what could not be read is looked at again next time
	}
	b.state.Earlier = now
	return damaged, w.keepCopy(b.key, &b.state)
}

// settleProblems puts damaged copies aside, so that the next run copies them
// again, and has the copy's own lists say what was found.
func (w *Worker) settleProblems(b *bag.Bag, l *ledger.Ledger, r verify.Report) error {
	for _, p := range r.Problems {
		if p.Status == verify.Unknown {
			continue // it counts as not read back
		}
		e, ok, err := l.Get(&p.Key)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if _, err := b.Heal(p.Path, e.SHA256, e.Size); err != nil {
			return err
		}
		if err := l.Distrust(&p.Key); err != nil {
			return err
		}
	}
	if len(r.Problems) == 0 && len(r.Odd) == 0 {
		return nil
	}
	return errors.Join(l.Sync(), copy.Fold(b, l))
}

// mendedText says what of the copy's own lists was amiss; "" for nothing.
func mendedText(m *copy.Mended) string {
	if !m.Any() {
		return ""
	}
	said := "the copy's own lists were not whole"
	if m.Lines > 0 {
		said += fmt.Sprintf(": lines that it had not worked off yet cannot be read (%d)", m.Lines)
	}
	said += fmt.Sprintf(". By this device's own list %d items came back to their places and %d were listed again", m.Back, m.Relisted)
	var names []string
	for _, k := range m.Keys[:min(len(m.Keys), maxExamples)] {
		names = append(names, text(k.ID))
	}
	if len(names) > 0 {
		said += ": " + strings.Join(names, ", ")
		if m.Relisted > len(names) {
			said += " and more"
		}
	}
	return said
}
