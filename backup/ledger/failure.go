package ledger

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/clearance-project/clearance/backup/source"
)

// Fail records why an item could not be copied, in place of an earlier reason.
func (l *Ledger) Fail(f *Failure) error {
	sum := sumOf(&f.Key)
	l.mu.Lock()
	defer l.mu.Unlock()
	f.Detail = f.Detail[:min(len(f.Detail), 1024)]
	body, err := putFailure(l.body[:0], f)
	if err != nil {
		return fmt.Errorf("cannot list the failure of %q: %w", f.ID[:min(len(f.ID), 200)], err)
	}
	if !l.failed(&sum, *f) {
		return nil
	}
	_, err = l.append(body)
	return err
}

func (l *Ledger) failed(sum *keySum, f Failure) bool {
	if _, known := l.failures[*sum]; !known && len(l.failures) >= MaxFailures {
		l.more++
		return false
	}
	l.failures[*sum] = f
	return true
}

// ClearFailure drops the failure of k, if there is one.
func (l *Ledger) ClearFailure(k *source.Key) error {
	sum := sumOf(k)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clear(&sum)
}

func (l *Ledger) clear(sum *keySum) error {
	if _, ok := l.failures[*sum]; !ok {
		return nil
	}
	delete(l.failures, *sum)
	_, err := l.append(append(append(l.body[:0], recCleared), sum[:]...))
	return err
}

// Failure gives the failure of k; false if there is none.
func (l *Ledger) Failure(k *source.Key) (Failure, bool) {
	sum := sumOf(k)
	l.mu.RLock()
	defer l.mu.RUnlock()
	f, ok := l.failures[sum]
	return f, ok
}

// Failures lists the failures that hold, ordered by key, and how many more
// there are that were not kept by name.
func (l *Ledger) Failures() (list []Failure, more int) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	sums := make([]keySum, 0, len(l.failures))
	for s := range l.failures {
		sums = append(sums, s)
	}
	slices.SortFunc(sums, func(a, b keySum) int { return bytes.Compare(a[:], b[:]) })
	for _, s := range sums {
		list = append(list, l.failures[s])
	}
	return list, l.more
}
