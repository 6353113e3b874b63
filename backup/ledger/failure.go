package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/clearance-project/clearance/backup/source"
)

// MaxFailures is how many failures are kept by name; more are only counted, and
// their items look not copied, which is what they are.
const MaxFailures = 100_000

// ErrFull says that there are more failures than are kept by name.
var ErrFull = fmt.Errorf("more than %d failures", MaxFailures)

// Fail records why an item could not be copied, in place of an earlier reason.
// Beyond [MaxFailures] it only counts; of an item that is [NotParsed] that is
// [ErrFull], for it is in the copy and would look right.
func (l *Ledger) Fail(f *Failure) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := l.sumOf(&f.Key)
	f.Detail = f.Detail[:min(len(f.Detail), 1024)]
	body, err := putFailure(l.body[:0], f)
	if err != nil {
		return fmt.Errorf("cannot list the failure of %q: %w", f.ID[:min(len(f.ID), 200)], err)
	}
	if !l.failed(&sum, *f) {
		if f.Reason == NotParsed {
			return ErrFull
		}
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
	if f.Reason == NotParsed || l.failures[*sum].Reason == NotParsed {
		l.changes++
	}
	l.failures[*sum] = f
	return true
}

// ClearFailure drops the failure of k, if there is one.
func (l *Ledger) ClearFailure(k *source.Key) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := l.sumOf(k)
	return l.clear(&sum)
}

func (l *Ledger) clear(sum *keySum) error {
	f, ok := l.failures[*sum]
	if !ok {
		return nil
	}
	if f.Reason == NotParsed {
		l.changes++
	}
	delete(l.failures, *sum)
	_, err := l.append(append(append(l.body[:0], recCleared), sum[:]...))
	return err
}

// Failure gives the failure of k; false if there is none.
func (l *Ledger) Failure(k *source.Key) (Failure, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	sum := l.sumOf(k)
	f, ok := l.failures[sum]
	return f, ok
}

// Failures lists the failures that hold, ordered by key, and how many more
// there are that were not kept by name.
func (l *Ledger) Failures() (list []Failure, more int) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	list = slices.Collect(maps.Values(l.failures))
	slices.SortFunc(list, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.Source, b.Source), cmp.Compare(a.ID, b.ID))
	})
	return list, l.more
}
