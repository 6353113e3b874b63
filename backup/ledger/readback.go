package ledger

import (
	"encoding/binary"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
)

// Destination tells one place of copies from every other.
type Destination struct {
	Disk string // the file system's uuid, or statfs f_fsid in hex
	Bag  string // the bag's id
}

// Reading says how a reading back of the copy ended.
type Reading struct {
	At      Destination
	Began   time.Time
	Ended   time.Time
	Items   int64 // read back, and right
	Bytes   int64 // of these
	Direct  int64 // items of these read past the cache
	Dropped int64 // items of these read after the cache had dropped them
	Stood   int64 // items that had been read back before
	Wrong   int64 // items that are damaged, missing or unknown
}

// ReadFrom says where what follows is read back. Elsewhere than before: what was
// read back before counts no more.
func (l *Ledger) ReadFrom(at Destination) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at == l.at {
		return l.broken
	}
	body, err := putPlace(l.body[:0], &at)
	if err != nil {
		return err
	}
	if _, err := l.append(body); err != nil {
		return err
	}
	l.moved(at)
	return nil
}

func (l *Ledger) moved(at Destination) {
	if at == l.at {
		return
	}
	l.at = at
	for n := range l.table.rows {
		r := l.table.row(n)
		r.setFlags(r.flags() &^ rowVerified)
	}
}

// ReadEnd keeps how a reading ended, in place of the one before.
func (l *Ledger) ReadEnd(r Reading) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	body, err := putReading(l.body[:0], &r)
	if err != nil {
		return err
	}
	if _, err := l.append(body); err != nil {
		return err
	}
	l.reading = r
	return nil
}

// Place is where what counts as read back was read; zero if nothing was.
func (l *Ledger) Place() Destination {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.at
}

// LastReading is how the last reading back ended; zero if there was none.
func (l *Ledger) LastReading() Reading {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.reading
}

// Verified records that the copy of e was read back whole at a time, and the
// stat it had before and after. It does nothing if the item was listed anew
// since e was got.
func (l *Ledger) Verified(e *Entry, at time.Time, stat disk.Stat) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := l.sumOf(&e.Key)
	n := l.table.findLive(&sum)
	if n == noRow {
		return l.broken
	}
	if same, err := l.same(n, e); err != nil || !same {
		return err
	}
	body := putVerified(l.body[:0], sum, at, &stat)
	off, err := l.append(body)
	if err != nil {
		return err
	}
	l.verified(n, off, len(body))
	return nil
}

// same reports whether row n lists the copy that e tells of.
func (l *Ledger) same(n uint32, e *Entry) (bool, error) {
	if e.at != 0 {
		return l.table.row(n).off() == e.at, nil
	}
	now, ok, err := l.get(&e.Key)
	return ok && now.Path == e.Path && now.SHA256 == e.SHA256, err
}

func (l *Ledger) verified(n uint32, off int64, body int) {
	r := l.table.row(n)
	l.dead += int64(headSize + body) // it is folded into its item when the file is written anew
	r.setVer(off)
	r.setFlags(r.flags() | rowVerified)
}

func putPlace(b []byte, at *Destination) ([]byte, error) {
	if max(len(at.Disk), len(at.Bag)) > maxText {
		return nil, errTooLong
	}
	return putText(putText(append(b, recPlace), at.Disk), at.Bag), nil
}

func parsePlace(body []byte) (at Destination, ok bool) {
	r := reader{b: body[1:]}
	at.Disk, at.Bag = r.text(), r.text()
	return at, r.end()
}

func putReading(b []byte, r *Reading) ([]byte, error) {
	if max(len(r.At.Disk), len(r.At.Bag)) > maxText {
		return nil, errTooLong
	}
	b = putText(putText(append(b, recReading), r.At.Disk), r.At.Bag)
	b = putTime(putTime(b, r.Began), r.Ended)
	for _, n := range r.counts() {
		b = binary.AppendVarint(b, *n)
	}
	return b, nil
}

func parseReading(body []byte) (got Reading, ok bool) {
	r := reader{b: body[1:]}
	got.At.Disk, got.At.Bag = r.text(), r.text()
	got.Began, got.Ended = r.time(), r.time()
	for _, n := range got.counts() {
		*n = r.varint()
	}
	return got, r.end()
}

func (r *Reading) counts() [6]*int64 {
	return [...]*int64{&r.Items, &r.Bytes, &r.Direct, &r.Dropped, &r.Stood, &r.Wrong}
}
