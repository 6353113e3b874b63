package ledger

import (
	"errors"
	"fmt"
	"sync"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/source"
)

const (
	fileName = "ledger"
	newName  = "ledger.new"
	lockName = "lock"
)

// Ledger is the open list. It may be used from several goroutines. It must be
// closed: its memory is not the collector's.
type Ledger struct {
	root    disk.Root
	lock    disk.File
	dropped int64

	mu       sync.RWMutex
	seed     []byte // of the key sums; none in files of the first version
	file     disk.File
	size     int64  // of the file, what waits in buf not counted
	synced   int64  // of that, what is durable
	buf      []byte // records not yet written
	body     []byte // room to make one in
	broken   error
	closed   bool // the last record says that the writer closed
	table    table
	contents contents
	filed    bool  // contents knows every row
	dead     int64 // bytes of records that no longer count
	failures map[keySum]Failure
	more     int // failures beyond MaxFailures
	reading  Reading
	at       Destination // where what counts as read back was read
	changes  uint64      // grows with everything that the digest covers
	digest   string      // at digestAt changes
	digestAt uint64
}

// Open opens the ledger in the folder dir, which must exist, and makes an empty
// one if there is none.
func Open(dir string) (*Ledger, error) {
	root, err := disk.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open the list of copies: %w", err)
	}
	l, err := OpenRoot(root, dir)
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return l, nil
}

// OpenRoot is [Open] through a given port; path is for messages. The ledger
// closes root.
func OpenRoot(root disk.Root, path string) (*Ledger, error) {
	lock, err := root.Append(lockName, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the list of copies: %w", err)
	}
	if err := lock.TryLock(); err != nil {
		_ = lock.Close()
		if errors.Is(err, disk.ErrLocked) {
			return nil, &LockedError{Path: path}
		}
		return nil, fmt.Errorf("cannot lock the list of copies: %w", err)
	}
	l := &Ledger{root: root, lock: lock, failures: map[keySum]Failure{}}
	if err := l.load(); err != nil {
		l.free()
		_ = lock.Close()
		return nil, fmt.Errorf("cannot open the list of copies: %w", err)
	}
	return l, nil
}

func (l *Ledger) free() {
	l.table.free()
	l.contents.free()
	l.filed = false
}

// Dropped is how many bytes of a torn or damaged end were dropped when the
// ledger was opened.
func (l *Ledger) Dropped() int64 { return l.dropped }

// Len is how many items are held.
func (l *Ledger) Len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.table.live
}

// State says what is known of the item k as listed with revision rev.
func (l *Ledger) State(k *source.Key, rev string) State {
	l.mu.RLock()
	defer l.mu.RUnlock()
	sum := l.sumOf(k)
	n := l.table.find(&sum)
	if n == noRow {
		return Absent
	}
	return l.table.row(n).state(rev)
}

// Get gives the entry of k; false if there is none.
func (l *Ledger) Get(k *source.Key) (Entry, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.get(k)
}

func (l *Ledger) get(k *source.Key) (Entry, bool, error) {
	if err := l.flush(); err != nil {
		return Entry{}, false, err
	}
	sum := l.sumOf(k)
	n := l.table.findLive(&sum)
	if n == noRow {
		return Entry{}, false, nil
	}
	e, err := l.read(l.table.row(n), newSpots(l.file), nil)
	return e, err == nil, err
}

// ByContent gives an entry whose content is sha; false if none is known. The
// first call reads the whole file.
func (l *Ledger) ByContent(sha *[32]byte) (Entry, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.flush(); err != nil {
		return Entry{}, false, err
	}
	if err := l.fileContents(); err != nil {
		return Entry{}, false, err
	}
	n := l.contents.row(contentSum(sha[:]))
	if n == noRow || !l.table.row(n).live() {
		return Entry{}, false, nil
	}
	e, err := l.read(l.table.row(n), newSpots(l.file), nil)
	if err != nil || e.SHA256 != *sha {
		return Entry{}, false, err
	}
	return e, true, nil
}

func (l *Ledger) fileContents() error {
	if l.filed {
		return nil
	}
	in := newWindows(l.file)
	for n := range l.table.rows {
		r := l.table.row(n)
		if !r.live() {
			continue
		}
		it, err := item(in.items, r)
		if err != nil {
			return err
		}
		l.contents.file(contentSum(it.sha), n)
	}
	l.filed = true
	return nil
}

// Put lists an item, in place of what was listed under its key, and clears its
// failure: one that told of its content ([NotParsed]) only if that was read back
// since. Durable after [Ledger.Sync].
func (l *Ledger) Put(e *Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	body, err := putEntry(l.body[:0], e)
	if err != nil {
		return fmt.Errorf("cannot list %q: %w", e.ID, err)
	}
	off, err := l.append(body)
	if err != nil {
		return err
	}
	l.changes++
	sum := l.sumOf(&e.Key)
	n := l.listed(&sum, off, len(body), revSumText(e.Rev), rowFlagsOf(e))
	if l.filed {
		l.contents.file(contentSum(e.SHA256[:]), n)
	}
	if !l.outlives(&sum, !e.VerifiedAt.IsZero()) {
		return l.clear(&sum)
	}
	return nil
}

func rowFlagsOf(e *Entry) (f uint64) {
	if e.Unsettled {
		f |= rowUnsettled
	}
	if !e.VerifiedAt.IsZero() {
		f |= rowVerified
	}
	return f
}

// outlives reports whether the failure of an item stands although the item is
// listed anew: what was said of its content, if that is the same and counts as
// read back.
func (l *Ledger) outlives(sum *keySum, verified bool) bool {
	return verified && l.failures[*sum].Reason == NotParsed
}

// listed files an item whose record is at off.
func (l *Ledger) listed(sum *keySum, off int64, body int, rev, flags uint64) uint32 {
	n := l.table.find(sum)
	if n == noRow {
		n = l.table.add(sum)
	}
	r := l.table.row(n)
	if r.live() {
		l.dead += int64(headSize + body)
	} else {
		l.table.live++
	}
	r.setOff(off)
	r.setVer(0)
	r.setRev(rev | flags)
	return n
}

// Forget takes k off the list.
func (l *Ledger) Forget(k *source.Key) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := l.sumOf(k)
	n := l.table.findLive(&sum)
	if n == noRow {
		return nil
	}
	body := append(append(l.body[:0], recForget), sum[:]...)
	if _, err := l.append(body); err != nil {
		return err
	}
	l.changes++
	l.forgotten(n, len(body))
	return nil
}

func (l *Ledger) forgotten(n uint32, body int) {
	r := l.table.row(n)
	r.setOff(gone)
	r.setVer(0)
	r.setRev(0)
	l.table.live--
	l.dead += 2 * int64(headSize+body)
}

// Distrust forgets the revision under which k was copied: its content at the
// source is known to be another, whatever the revision says. A listing then
// shows it as changed.
func (l *Ledger) Distrust(k *source.Key) error {
	e, ok, err := l.Get(k)
	if err != nil || !ok {
		return err
	}
	e.Rev, e.Unsettled = "", false
	return l.Put(&e)
}
