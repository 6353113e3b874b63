package copy

import (
	"errors"
	"fmt"
	"iter"

	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
)

// Coverage compares a listing with the ledger.
type Coverage struct {
	Listed  int
	Covered int // held with the revision listed
	Missing int // not held, and no failure known
	Changed int // held with another revision, and no failure known
	Failed  int // not held with this revision, and the reason is known

	MissingKeys []source.Key
	ChangedKeys []source.Key
	Failures    []ledger.Failure
	Incomplete  []*source.Incomplete // the listing may lack items

	Vanished int // held, and not listed: only a complete listing can say so

	// Digest is of the keys listed, by id and revision within each source:
	// equal for equal listings, whatever the order.
	Digest string
	// FailedDigest is of the failures: what a person accepts is bound to it.
	FailedDigest string
}

// Whole reports whether everything listed is held, and the listing was whole.
func (c *Coverage) Whole() bool {
	return c.Covered == c.Listed && len(c.Incomplete) == 0
}

// Cover compares a listing with the ledger. Nothing is read but the listing. The
// error is the ledger's.
func Cover(l *ledger.Ledger, listed iter.Seq2[source.Item, error]) (Coverage, error) {
	var c Coverage
	var keys, failures scan.Keys
	seen := l.NewSeen()
	refs := map[source.Ref]bool{}
	for it, err := range listed {
		failed, isFailed := errors.AsType[*source.Failed](err)
		switch {
		case isFailed:
			it = failed.Item
		case err != nil:
			in, ok := errors.AsType[*source.Incomplete](err)
			if !ok {
				in = &source.Incomplete{Err: err}
			}
			c.Incomplete = append(c.Incomplete, in)
			continue
		}
		refs[it.Ref] = true
		c.Listed++
		name := keyText(&it.Key)
		keys.Add(name, it.Rev)
		state := seen.State(&it.Key, it.Rev)
		if !isFailed && (state == ledger.Held || state == ledger.Unsettled) {
			c.Covered++
			continue
		}
		f, known := l.Failure(&it.Key)
		if isFailed && !known {
			f, known = ledger.Failure{Key: it.Key, Name: it.Name, Reason: failed.Reason}, true
		}
		if known {
			failures.Add(name, string(f.Reason))
		}
		c.uncovered(&it.Key, state, f, known)
	}
	for e, err := range seen.Unseen() {
		if err != nil {
			return c, fmt.Errorf("cannot compare the listing with the copy: %w", err)
		}
		if refs[e.Ref] {
			c.Vanished++
		}
	}
	c.Digest, c.FailedDigest = keys.Digest(), failures.Digest()
	return c, nil
}

func (c *Coverage) uncovered(k *source.Key, state ledger.State, f ledger.Failure, failed bool) {
	switch {
	case failed:
		c.Failed++
		if len(c.Failures) < MaxNamed {
			c.Failures = append(c.Failures, f)
		}
	case state == ledger.Absent:
		c.Missing++
		if len(c.MissingKeys) < MaxNamed {
			c.MissingKeys = append(c.MissingKeys, *k)
		}
	default:
		c.Changed++
		if len(c.ChangedKeys) < MaxNamed {
			c.ChangedKeys = append(c.ChangedKeys, *k)
		}
	}
}

// keyText joins the parts of a key so that no two keys give one text.
func keyText(k *source.Key) string {
	return fmt.Sprintf("%d %d %d %s%s%s%s", len(k.Account), len(k.Dataset), len(k.Source), k.Account, k.Dataset, k.Source, k.ID)
}
