package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/source"
)

// The file starts with magic. Then come records: length of the body (uint32,
// little endian), CRC-32C of the body (uint32), body. The first byte of a body
// is its kind; strings are their length (uvarint) and bytes, times are varint
// nanoseconds since 1970, 0 for none. A key sum is the first 16 bytes of the
// SHA-256 of the seed and of the key as it stands in a record.
//
// Version 1 had no seed and no records of readings; its key sums left out the
// length of the id. It is read, and written anew as version 2.
const (
	magic  = "clearance ledger 2\n"
	magic1 = "clearance ledger 1\n"
)

const (
	recSeed     = 'S' // 16 bytes; the first record
	recItem     = 'I' // an item, with its verification if it had one
	recVerified = 'V' // key sum, time, stat
	recForget   = 'D' // key sum
	recFailure  = 'F'
	recCleared  = 'G' // key sum of a failure that no longer holds
	recPlace    = 'W' // where what follows was read back; elsewhere than before: what was read back before counts no more
	recReading  = 'R' // how a reading ended
	recClosed   = 'C' // the writer ended in good order
)

const (
	headSize = 8
	maxBody  = 256 << 10
	maxText  = 32 << 10 // of one string in a record
	seedSize = 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errTorn    = errors.New("the record is torn or damaged")
	errTooLong = errors.New("a name is too long to be listed")
)

func frame(dst, body []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(body)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(body, castagnoli))
	return append(dst, body...)
}

// unframe gives the body at the start of b and the size of the whole record.
// It asks for more (need > len(b)) or fails with errTorn.
func unframe(b []byte) (body []byte, size int, need int, err error) {
	if len(b) < headSize {
		return nil, 0, headSize, nil
	}
	n := int(binary.LittleEndian.Uint32(b))
	if n == 0 || n > maxBody {
		return nil, 0, 0, errTorn
	}
	if len(b) < headSize+n {
		return nil, 0, headSize + n, nil
	}
	body = b[headSize : headSize+n]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return nil, 0, 0, errTorn
	}
	return body, headSize + n, 0, nil
}

func putText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func putTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(b, 0)
	}
	return binary.AppendVarint(b, t.UnixNano())
}

func putStat(b []byte, s *disk.Stat) []byte {
	b = binary.AppendUvarint(b, s.Dev)
	b = binary.AppendUvarint(b, s.Ino)
	b = binary.AppendVarint(b, s.Size)
	b = binary.AppendVarint(b, s.MtimeNS)
	return binary.AppendVarint(b, s.CtimeNS)
}

func putKey(b []byte, k *source.Key) []byte {
	b = putText(b, k.Account)
	b = putText(b, string(k.Dataset))
	b = putText(b, k.Source)
	return putText(b, k.ID)
}

const (
	flagUnsettled = 1 << iota
	flagVerified
)

func putEntry(b []byte, e *Entry) ([]byte, error) {
	if max(len(e.Account), len(e.Dataset), len(e.Source), len(e.ID), len(e.Rev), len(e.Path)) > maxText {
		return nil, errTooLong
	}
	flags := byte(0)
	if e.Unsettled {
		flags |= flagUnsettled
	}
	if !e.VerifiedAt.IsZero() {
		flags |= flagVerified
	}
	b = append(b, recItem, flags)
	b = putKey(b, &e.Key)
	b = putText(b, e.Rev)
	b = putText(b, e.Path)
	b = binary.AppendVarint(b, e.Size)
	b = append(b, e.SHA256[:]...)
	b = putTime(b, e.FirstSeen)
	b = putTime(b, e.CopiedAt)
	if flags&flagVerified != 0 {
		b = putTime(b, e.VerifiedAt)
		b = putStat(b, &e.Stat)
	}
	return b, nil
}

func putFailure(b []byte, f *Failure) ([]byte, error) {
	if max(len(f.Account), len(f.Dataset), len(f.Source), len(f.ID), len(f.Name), len(f.Rev), len(f.Detail)) > maxText {
		return nil, errTooLong
	}
	b = append(b, recFailure)
	b = putKey(b, &f.Key)
	b = putText(b, f.Name)
	b = putText(b, f.Rev)
	b = putText(b, string(f.Reason))
	b = putText(b, f.Detail)
	return putTime(b, f.At), nil
}

// reader takes a body apart; after the first fault everything reads as zero and
// bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) text() string { return string(r.raw()) }

// raw is text that is still a part of the body.
func (r *reader) raw() []byte {
	n, w := binary.Uvarint(r.b)
	if w <= 0 || n > maxText || uint64(len(r.b)-w) < n {
		r.bad, r.b = true, nil
		return nil
	}
	s := r.b[w : w+int(n)]
	r.b = r.b[w+int(n):]
	return s
}

// shared is text that is often the same as the one before, which then serves.
func shared[T ~string](b []byte, last T) T {
	if string(b) == string(last) {
		return last
	}
	return T(b)
}

func (r *reader) uvarint() uint64 {
	n, w := binary.Uvarint(r.b)
	if w <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[w:]
	return n
}

func (r *reader) varint() int64 {
	n, w := binary.Varint(r.b)
	if w <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[w:]
	return n
}

func (r *reader) bytes(dst []byte) { copy(dst, r.next(len(dst))) }

// next is n bytes that are still a part of the body.
func (r *reader) next(n int) []byte {
	if len(r.b) < n {
		r.bad, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) time() time.Time {
	ns := r.varint()
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func (r *reader) stat() disk.Stat {
	return disk.Stat{Dev: r.uvarint(), Ino: r.uvarint(), Size: r.varint(), MtimeNS: r.varint(), CtimeNS: r.varint()}
}

func (r *reader) key(last *source.Ref) source.Key {
	if last == nil {
		last = &source.Ref{}
	}
	ref := source.Ref{
		Account: shared(r.raw(), last.Account), Dataset: shared(r.raw(), last.Dataset), Source: shared(r.raw(), last.Source),
	}
	*last = ref
	return source.Key{Ref: ref, ID: r.text()}
}

// end reports whether the body was whole and nothing is left of it.
func (r *reader) end() bool { return !r.bad && len(r.b) == 0 }

// itemBody is an item's record, taken apart as far as the table needs it.
type itemBody struct {
	key    []byte
	rev    []byte
	sha    []byte
	digest []byte // what the ledger's digest covers: from key to sha
	flags  uint64 // as in a row
}

func parseItem(body []byte) (it itemBody, ok bool) {
	if len(body) < 2 || body[0] != recItem {
		return it, false
	}
	r := reader{b: body[2:]}
	all := r.b
	so := func() int { return len(all) - len(r.b) }
	for range 4 {
		r.raw()
	}
	it.key = all[:so()]
	it.rev, _ = r.raw(), r.raw()
	r.varint()
	it.sha = r.next(sha256.Size)
	it.digest = all[:so()]
	r.time()
	r.time()
	if body[1]&flagUnsettled != 0 {
		it.flags |= rowUnsettled
	}
	if body[1]&flagVerified != 0 {
		it.flags |= rowVerified
		r.time()
		r.stat()
	}
	return it, r.end()
}

func parseEntry(body []byte, last *source.Ref) (Entry, bool) {
	var e Entry
	if len(body) < 2 || body[0] != recItem {
		return e, false
	}
	flags := body[1]
	r := reader{b: body[2:]}
	e.Key = r.key(last)
	e.Rev, e.Path, e.Size = r.text(), r.text(), r.varint()
	r.bytes(e.SHA256[:])
	e.FirstSeen, e.CopiedAt = r.time(), r.time()
	e.Unsettled = flags&flagUnsettled != 0
	if flags&flagVerified != 0 {
		e.VerifiedAt, e.Stat = r.time(), r.stat()
	}
	return e, r.end()
}

func parseFailure(body []byte) (Failure, bool) {
	var f Failure
	if len(body) < 1 || body[0] != recFailure {
		return f, false
	}
	r := reader{b: body[1:]}
	f.Key = r.key(nil)
	f.Name, f.Rev, f.Reason, f.Detail, f.At = r.text(), r.text(), source.Reason(r.text()), r.text(), r.time()
	return f, r.end()
}

func putVerified(b []byte, k keySum, at time.Time, s *disk.Stat) []byte {
	b = append(b, recVerified)
	b = append(b, k[:]...)
	b = putTime(b, at)
	return putStat(b, s)
}

func parseVerified(body []byte) (k keySum, at time.Time, s disk.Stat, ok bool) {
	if len(body) < 1 || body[0] != recVerified {
		return k, at, s, false
	}
	r := reader{b: body[1:]}
	r.bytes(k[:])
	at, s = r.time(), r.stat()
	return k, at, s, r.end()
}

func parseSum(body []byte) (k keySum, ok bool) {
	r := reader{b: body[1:]}
	r.bytes(k[:])
	return k, r.end()
}
