package scan

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// Keys gathers (id, rev) pairs in any order and gives one digest of the set.
// It keeps 16 bytes a pair.
type Keys struct {
	sums [][16]byte
	buf  []byte
}

// Add puts one pair in.
func (k *Keys) Add(id, rev string) {
	k.buf = binary.AppendUvarint(k.buf[:0], uint64(len(id)))
	k.buf = append(k.buf, id...)
	k.buf = append(k.buf, rev...)
	s := sha256.Sum256(k.buf)
	k.sums = append(k.sums, [16]byte(s[:16]))
}

// Digest is the hex sha256 over the sorted keys: equal for equal sets, in
// whatever order they came.
func (k *Keys) Digest() string {
	slices.SortFunc(k.sums, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	h := sha256.New()
	for i := range k.sums {
		h.Write(k.sums[i][:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
