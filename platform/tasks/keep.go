package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/eds"
)

// shelf is our own book for what a synced one holds.
func (s *survey) shelf(k eds.Kind) eds.Shelf {
	return eds.Shelf{Kind: k, Account: s.job.Departure.Account.ID, Name: "Kept from " + s.job.Departure.Account.Name}
}

// over is the digest of everything in the account's books, and its count.
func (s *survey) over(ctx context.Context) (departure.Digest, int64, error) {
	keys := make(map[departure.SourceID]string)
	var n int64
	for _, b := range s.books {
		l, err := s.keysOf(ctx, b.store)
		if err != nil {
			return "", 0, err
		}
		keys[b.src.ID] = l.Digest
		n += int64(len(l.Keys))
	}
	return departure.DigestOf(keys), n, nil
}

// keptFacts says how much of what would leave this device is in books of its
// own: those that were read back when they were kept, and are still there.
func (w *Worker) keptFacts(ctx context.Context, s *survey) departure.Kept {
	unknown := func(err error) departure.Kept {
		return departure.Kept{Why: departure.Reason{Code: "eds", Text: "it could not be seen what is kept on this device: " + err.Error()}}
	}
	m, err := w.recall(s.job.Departure.Account.ID)
	if err != nil {
		return unknown(err)
	}
	if s.missing.Code != "" {
		return departure.Kept{Why: s.missing}
	}
	k := departure.Kept{Known: true, Needed: m.Kept.Needed, CopyOnly: s.copyOnly()}
	if !s.job.Unbound || len(s.books) > 0 {
		over, n, err := s.over(ctx)
		if err != nil {
			return unknown(err)
		}
		k.Needed = n
		if over != m.Kept.Over {
			return k
		}
	}
	for _, uids := range m.Kept.Shelf {
		k.Present += int64(len(uids))
	}
	for shelf, uids := range m.Kept.Shelf {
		lost, err := w.lost(ctx, shelf, uids)
		if err != nil {
			return unknown(err)
		}
		k.Present -= lost
	}
	return k
}

// copyOnly are the stores of other programs that leave with the account and that no
// book of evolution-data-server takes.
func (s *survey) copyOnly() (ids []departure.SourceID) {
	kept := []departure.Dataset{departure.Contacts, departure.Notes, departure.Calendars}
	for _, st := range s.stores {
		if st.src.Fate == departure.Leaves && slices.Contains(kept, st.src.Dataset) {
			ids = append(ids, st.src.ID)
		}
	}
	return ids
}

// lost counts the items that are no longer on one of our books.
func (w *Worker) lost(ctx context.Context, shelf string, uids []string) (n int64, err error) {
	if len(uids) == 0 {
		return 0, nil
	}
	store, err := w.eds.Open(ctx, shelf)
	if errors.Is(err, eds.ErrGone) {
		return int64(len(uids)), nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(ctx))) }()
	l, err := store.Keys(ctx)
	if err != nil {
		return 0, err
	}
	for _, uid := range uids {
		if _, there := slices.BinarySearchFunc(l.Keys, uid, func(k eds.Key, uid string) int { return strings.Compare(k.UID, uid) }); !there {
			n++
		}
	}
	return n, nil
}

// Keep copies what would leave this device into books of its own, and reads it
// back. Doing it twice adds nothing.
func (w *Worker) Keep(ctx context.Context, job engine.Job, report engine.Report) (res engine.CopyResult, err error) {
	s, err := w.survey(ctx, job)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	if s.missing.Code != "" {
		return res, errors.New(s.missing.Text)
	}
	over, n, err := s.over(ctx)
	if err != nil {
		return res, err
	}
	kept := keptMemory{Over: over, Needed: n, Shelf: make(map[string][]string)}
	for _, b := range s.books {
		uids, failed, err := w.keepBook(ctx, s, b, func(done int) {
			report(engine.Progress{Step: departure.StepKeep, Dataset: b.src.Dataset, Source: b.src.Name, Items: res.Done + int64(done), Total: n})
		})
		if err != nil {
			return res, fmt.Errorf("cannot keep %s: %w", b.src.Name, err)
		}
		at := s.shelf(b.entry.Kind).UID()
		kept.Shelf[at] = append(kept.Shelf[at], uids...)
		res.Done += int64(len(uids))
		res.Failed += failed
	}
	return res, w.remember(job.Departure.Account.ID, func(m *accountMemory) { m.Kept = kept })
}

// keepBook copies one book and returns the uids that are kept.
func (w *Worker) keepBook(ctx context.Context, s *survey, b book, done func(int)) (uids []string, failed int64, err error) {
	l, err := b.store.Keys(ctx)
	if err != nil {
		return nil, 0, err
	}
	n := 0
	each := func(put func(eds.Item) error) error {
		_, err := b.store.Fetch(ctx, l.UIDs(), func(it eds.Item) error {
			n++
			done(n)
			return put(it)
		})
		return err
	}
	linked := func(uri string) ([]byte, error) { return eds.Linked(b.store.Folder(), uri, eds.MaxLinked) }
	k, err := w.eds.Keep(ctx, s.shelf(b.entry.Kind), each, linked)
	if err != nil {
		return nil, 0, err
	}
	lost := make(map[string]bool)
	for _, f := range k.Failed {
		lost[f.UID] = true
	}
	for _, uid := range l.UIDs() {
		if !lost[uid] {
			uids = append(uids, uid)
		}
	}
	return uids, int64(len(k.Failed)), nil
}
