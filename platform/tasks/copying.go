package tasks

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/verify"
)

// NotParsed is the reason of a failure that is none: the item is in the copy as
// it stands, and does not parse.
const NotParsed source.Reason = "does-not-parse"

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
	job.Destination.BagID = b.ID()
	l, err := w.openLedger(b.ID())
	if err != nil {
		return res, err
	}
	// Without a working ledger nothing counts as copied: it is opened anew.
	defer func() { err = errors.Join(err, w.afterwards(err, b.ID())) }()
	origins := s.required()
	total := w.expected(ctx, s, origins, l)
	want := func(item *source.Item) bool { return state(l, item) != ledger.Held }
	o := copy.Options{
		Now: w.cfg.Clock.Now, Sources: refs(origins, job),
		// What does not parse was copied as it stands, so that no run meets it
		// again: it stays listed until another version is read back.
		Keeps: func(f *ledger.Failure) bool { return f.Reason == NotParsed },
		Progress: func(p copy.Progress) {
			report(engine.Progress{Step: departure.StepBackup, Items: int64(p.Copied + p.Failed), Total: total, Bytes: p.Bytes})
		},
	}
	fresh := false
	r, err := copy.Run(ctx, b, l, noting(items(ctx, origins, job, want), &fresh), o)
	if err == nil && fresh {
		// What was written a moment ago is read once more when it has rested.
		if err = w.rest(ctx); err == nil {
			s.anew()
			var again copy.Report
			again, err = copy.Run(ctx, b, l, items(ctx, origins, job, want), o)
			r.Copied, r.Failed, r.Bytes = r.Copied+again.Copied, again.Failed, r.Bytes+again.Bytes
		}
	}
	if err == nil && r.Copied > 0 {
		err = w.export(b)
	}
	return w.result(b, l, int64(r.Copied), int64(r.Failed), r.Bytes), destination(err, job)
}

// settling is how long a file must rest before its stamps can be trusted: some
// file systems stamp in ticks of two seconds.
const settling = 2*time.Second + 100*time.Millisecond

// noting passes items on and notes whether one was written a moment ago.
func noting(items iter.Seq2[source.Item, error], fresh *bool) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		for item, err := range items {
			*fresh = *fresh || (err == nil && item.Unsettled)
			if !yield(item, err) {
				return
			}
		}
	}
}

func (w *Worker) rest(ctx context.Context) error {
	rested, stop := w.cfg.Clock.After(settling)
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
func (w *Worker) result(b *bag.Bag, l *ledger.Ledger, done, failed, size int64) engine.CopyResult {
	res := engine.CopyResult{BagID: b.ID(), Done: done, Failed: failed, Bytes: size}
	if p, err := place.Look(b.Path()); err == nil {
		res.Disk = p.FSID
	}
	digest, err := l.Digest()
	if err != nil {
		return engine.CopyResult{}
	}
	res.Ledger = departure.Digest(digest)
	return res
}

// destination turns a trouble of the destination into a refusal that says what
// to do.
func destination(err error, job engine.Job) error {
	var trouble *bag.DestinationError
	var locked *bag.LockedError
	var away *awayError
	remedy := departure.Remedy{Code: "destination", Text: "choose another folder or disk for your copy",
		Command: departure.Command("destination", job.Departure.Account, "FOLDER")}
	switch {
	case errors.As(err, &trouble):
		why := troubleReason(trouble)
		switch trouble.Trouble {
		case bag.Full:
			remedy.Text = "make room there, or choose another disk"
		case bag.Gone:
			remedy = plugIn(job.Departure.Account)
		case bag.Broken:
			remedy.Text = "look whether the disk is plugged in, or choose another one"
		}
		return &engine.BlockedError{Why: why, Remedy: remedy}
	case errors.As(err, &locked):
		return &engine.BlockedError{Why: departure.Reason{Code: "locked", Text: locked.Error()},
			Remedy: departure.Remedy{Code: "wait", Text: "stop the other program that is writing your copy, then go on", Command: departure.Command("leave", job.Departure.Account)}}
	case errors.As(err, &away):
		return &engine.BlockedError{Why: departure.Reason{Code: "copy-away", Text: away.Error()},
			Remedy: plugIn(job.Departure.Account)}
	}
	return err
}

func plugIn(a departure.Account) departure.Remedy {
	return departure.Remedy{Code: "plug-in", Text: "plug the disk in again", Command: departure.Command("leave", a)}
}

// troubleReason says what ails a destination.
func troubleReason(t *bag.DestinationError) departure.Reason {
	why := departure.Reason{Code: string(t.Trouble)}
	switch t.Trouble {
	case bag.Full:
		why.Text = "the disk of your copy is full; what was copied stays and counts"
	case bag.ReadOnly:
		why.Text = "the disk of your copy cannot be written to"
	case bag.Gone:
		why.Text = "the disk of your copy went away; what was copied stays and counts"
	default:
		cause := t.Err
		var code syscall.Errno
		if errors.As(t.Err, &code) {
			cause = code
		}
		why.Text = "the disk of your copy fails: " + cause.Error()
	}
	return why
}

// Verify reads back from the destination what was not read since it was
// written, or not since before. What is damaged is put aside and copied anew by
// the next Backup, where its source still has it.
func (w *Worker) Verify(ctx context.Context, job engine.Job, before time.Time, report engine.Report) (res engine.CopyResult, err error) {
	b, err := w.openBag(job, false)
	if err != nil {
		return res, destination(err, job)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	l, err := w.openLedger(b.ID())
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, w.afterwards(err, b.ID())) }()
	r, err := verify.Run(ctx, b, l, verify.Options{
		Now: w.cfg.Clock.Now, OnlyNew: true, MaxAge: w.readAge(before), Check: check,
		Progress: func(p verify.Progress) {
			report(engine.Progress{Step: departure.StepVerify, Items: int64(p.Done), Total: int64(p.Total), Bytes: p.Bytes})
		},
	})
	if err != nil {
		return w.result(b, l, int64(r.OK), 0, r.Bytes), err
	}
	if err := w.settleProblems(b, l, r); err != nil {
		return res, err
	}
	return w.result(b, l, int64(r.OK), int64(r.Damaged+r.Missing+r.Unknown), r.Bytes), nil
}

// settleProblems puts damaged copies aside, so that the next run copies them
// again, and lists what does not parse.
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
	for _, p := range r.Odd {
		f := ledger.Failure{Key: p.Key, Name: p.ID, Reason: NotParsed, Detail: p.Err.Error(), At: w.now()}
		if err := l.Fail(&f); err != nil {
			return err
		}
	}
	if len(r.Problems) == 0 && len(r.Odd) == 0 {
		return nil
	}
	return errors.Join(l.Sync(), copy.Fold(b, l))
}

// check looks into an item that was read back: every vCard, note and calendar
// object parses, every picture has a header and an end.
func check(e *ledger.Entry, head []byte) error {
	whole := int64(len(head)) == e.Size
	switch e.Dataset {
	case source.Contacts:
		if whole && !trashed(e) {
			card := source.ParseVCard(head)
			return card.Err
		}
	case source.Calendars:
		if whole && !trashed(e) {
			return calendarError(head)
		}
	case source.Notes:
		if whole && !trashed(e) {
			return noteError(path.Ext(e.Path), head)
		}
	case source.Photos:
		if whole {
			err := source.CheckMedia(e.ID, bytes.NewReader(head), e.Size)
			if errors.Is(err, source.ErrUnknownFormat) {
				return nil
			}
			return err
		}
	}
	return nil
}

func calendarError(raw []byte) error {
	objects, err := source.SplitCalendar(raw)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if o.Err != nil {
			return o.Err
		}
	}
	return nil
}

// noteError looks into a note by its file's extension; of an image in a note
// there is nothing to parse.
func noteError(ext string, raw []byte) error {
	switch strings.ToLower(ext) {
	case ".ics":
		_, err := source.ParseMemo(raw)
		return err
	case ".note", ".xml":
		d := xml.NewDecoder(bytes.NewReader(raw))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("cannot parse the note: %w", err)
			}
		}
	case ".md", ".markdown", ".txt":
		if !utf8.Valid(raw) {
			return errors.New("cannot parse the note: it is not text in UTF-8")
		}
	}
	return nil
}

// trashed reports whether an item is a raw file of a removed store.
func trashed(e *ledger.Entry) bool { return strings.HasPrefix(e.Source, "trash:") }

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

// Items pages through the items of the copy, or those that could not be copied.
func (w *Worker) Items(ctx context.Context, job engine.Job, f engine.ItemFilter) (engine.ItemPage, error) {
	var page engine.ItemPage
	if f.Limit == 0 {
		f.Limit = 100
	}
	l, err := w.ledgerOf(job)
	if err != nil || l == nil {
		return page, err
	}
	skip, err := offset(f.Cursor)
	if err != nil {
		return page, err
	}
	at := 0
	emit := func(it engine.Item) bool {
		if f.Dataset != "" && it.Dataset != f.Dataset {
			return true
		}
		at++
		if at <= skip {
			return true
		}
		if len(page.Items) == f.Limit {
			page.Next = cursor(at - 1)
			return false
		}
		page.Items = append(page.Items, it)
		return true
	}
	if f.Failed {
		failures, _ := l.Failures()
		for _, x := range failures {
			if !emit(engine.Item{Dataset: departure.Dataset(x.Dataset), Source: x.Source, Name: shown(x.Name, x.ID), Why: failureText(x)}) {
				break
			}
		}
		return page, nil
	}
	for e, err := range l.All() {
		if err != nil {
			return page, err
		}
		if !emit(engine.Item{Dataset: departure.Dataset(e.Dataset), Source: e.Source, Name: shown("", e.ID), Path: e.Path, Size: e.Size, SHA256: fmt.Sprintf("%x", e.SHA256)}) {
			break
		}
	}
	return page, ctx.Err()
}

func shown(name, id string) string {
	if name != "" {
		return name
	}
	return id
}

func failureText(f ledger.Failure) string {
	if f.Reason == NotParsed {
		return "it is in your copy as it stands, but it does not parse: " + f.Detail
	}
	return string(f.Reason) + ": " + f.Detail
}

func cursor(n int) string { return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d", n)) }

func offset(c string) (n int, err error) {
	if c == "" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err == nil {
		_, err = fmt.Sscanf(string(b), "%d", &n)
	}
	if err != nil || n < 0 {
		return 0, &engine.RefusedError{Code: "invalid", Text: "that is no place in the list: begin at its start"}
	}
	return n, nil
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
