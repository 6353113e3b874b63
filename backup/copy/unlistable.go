package copy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

// Longer names than these fit neither the ledger's records nor a line of the
// journal, however they are escaped there. A path of 1,000 folders fits.
const (
	maxID   = 32 << 10 // bytes
	maxSaid = 8 << 10  // bytes of any other name of an item
)

var errUnlistable = errors.New("its name is too long to be listed")

// unlistable reports whether nothing could be written down of an item.
func unlistable(it *source.Item) bool {
	return len(it.ID) > maxID || max(len(it.Account), len(it.Dataset), len(it.Source), len(it.Name), len(it.Rev)) > maxSaid
}

// failureOf is how a failure is listed, with what is too long cut short: the sum
// keeps two such items apart.
func failureOf(it *source.Item, why source.Reason, err error, at time.Time) ledger.Failure {
	f := ledger.Failure{
		Key:  source.Key{Ref: source.Ref{Account: brief(it.Account, maxSaid), Dataset: source.Dataset(brief(string(it.Dataset), maxSaid)), Source: brief(it.Source, maxSaid)}, ID: brief(it.ID, maxID)},
		Name: brief(it.Name, maxSaid), Rev: brief(it.Rev, maxSaid), Reason: why, At: at,
	}
	if err != nil {
		f.Detail = brief(err.Error(), maxSaid)
	}
	return f
}

func brief(s string, most int) string {
	if len(s) <= most {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return s[:most/8] + "~" + hex.EncodeToString(sum[:8])
}
