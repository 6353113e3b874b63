package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/clearance-project/clearance/backup/source"
)

// Digest is the hex sha256 over what is held: key, revision, size, content and
// place of every item, and the key of each that is [NotParsed], whatever their
// order: a list that has lost either is another.
func (l *Ledger) Digest() (string, error) {
	l.mu.RLock()
	known, at, most := l.digest, l.changes, int(l.table.rows)
	fresh := known != "" && l.digestAt == at
	var odd []source.Key
	for _, f := range l.failures {
		if f.Reason == NotParsed {
			odd = append(odd, f.Key)
		}
	}
	l.mu.RUnlock()
	if fresh {
		return known, nil
	}
	sums := claim[[16]byte](max(1, most+len(odd)))
	defer release(sums)
	n := 0
	for i := range odd {
		s := sha256.Sum256(putKey([]byte{recFailure}, &odd[i]))
		sums[n] = [16]byte(s[:16])
		n++
	}
	most += len(odd)
	for live, err := range l.live(func(uint32) bool { return true }) {
		if err != nil {
			return "", err
		}
		it, err := item(live.in.items, &live.row)
		if err != nil {
			return "", err
		}
		if n == most {
			break // listed since; the digest is of changes that are past, and not kept
		}
		s := sha256.Sum256(it.digest)
		sums[n] = [16]byte(s[:16])
		n++
	}
	slices.SortFunc(sums[:n], func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	h := sha256.New()
	for i := range sums[:n] {
		h.Write(sums[i][:])
	}
	digest := hex.EncodeToString(h.Sum(nil))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changes == at {
		l.digest, l.digestAt = digest, at
	}
	return digest, nil
}
