package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/source"
)

const (
	fileName = "ledger"
	newName  = "ledger.new"
	lockName = "lock"
)

// MaxFailures is how many failures are kept by name; more are only counted, and
// their items look not copied, which is what they are.
const MaxFailures = 100_000

// Ledger is the open list. It may be used from several goroutines.
type Ledger struct {
	root    disk.Root
	lock    disk.File
	dropped int64

	mu       sync.RWMutex
	file     disk.File
	size     int64  // of the file, what waits in buf not counted
	synced   int64  // of that, what is durable
	buf      []byte // records not yet written
	body     []byte // room to make one in
	broken   error
	closed   bool // the last record says that the writer closed
	table    table
	dead     int64 // bytes of records that no longer count
	failures map[keySum]Failure
	more     int    // failures beyond MaxFailures
	changes  uint64 // grows with everything that the digest covers
	digest   string // at digestAt changes
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
		_ = lock.Close()
		return nil, fmt.Errorf("cannot open the list of copies: %w", err)
	}
	return l, nil
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
	sum := sumOf(k)
	l.mu.RLock()
	defer l.mu.RUnlock()
	n := l.table.find(&sum)
	if n == noRow {
		return Absent
	}
	return l.table.row(n).state(rev)
}

// Get gives the entry of k; false if there is none.
func (l *Ledger) Get(k *source.Key) (Entry, bool, error) {
	sum := sumOf(k)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.flush(); err != nil {
		return Entry{}, false, err
	}
	n := l.table.find(&sum)
	if n == noRow || l.table.row(n).off < 0 {
		return Entry{}, false, nil
	}
	e, err := l.read(*l.table.row(n), l.file, l.file)
	return e, err == nil, err
}

// ByContent gives an entry whose content is sha; false if none is known.
func (l *Ledger) ByContent(sha *[32]byte) (Entry, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.table.content(contentSum(sha))
	if n == noRow {
		return Entry{}, false, nil
	}
	if err := l.flush(); err != nil {
		return Entry{}, false, err
	}
	e, err := l.read(*l.table.row(n), l.file, l.file)
	if err != nil || e.SHA256 != *sha {
		return Entry{}, false, err
	}
	return e, true, nil
}

// Put lists an item, in place of what was listed under its key, and clears its
// failure. Durable after [Ledger.Sync].
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
	sum := sumOf(&e.Key)
	l.listed(&sum, e, off, len(body))
	return l.clear(&sum)
}

// listed files an entry whose record is at off.
func (l *Ledger) listed(sum *keySum, e *Entry, off int64, body int) {
	n := l.table.find(sum)
	if n == noRow {
		n = l.table.add(sum)
	}
	r := l.table.row(n)
	if r.off < 0 {
		l.table.live++
	} else {
		l.dead += int64(headSize + body)
	}
	r.off, r.ver, r.rev, r.flags = off, 0, revSum(e.Rev), 0
	if e.Unsettled {
		r.flags |= rowUnsettled
	}
	if !e.VerifiedAt.IsZero() {
		r.flags |= rowVerified
	}
	l.table.setContent(n, contentSum(&e.SHA256))
}

// Verified records that the copy of k at path was read back whole, and the stat
// it had before and after. It does nothing if the item was copied anew since.
func (l *Ledger) Verified(e *Entry, at time.Time, stat disk.Stat) error {
	sum := sumOf(&e.Key)
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.table.find(&sum)
	if n == noRow || l.table.row(n).off < 0 {
		return nil
	}
	if err := l.flush(); err != nil {
		return err
	}
	now, err := l.read(*l.table.row(n), l.file, l.file)
	if err != nil {
		return err
	}
	if now.Path != e.Path || now.SHA256 != e.SHA256 {
		return nil
	}
	body := putVerified(l.body[:0], sum, at, &stat)
	off, err := l.append(body)
	if err != nil {
		return err
	}
	l.verified(n, off, len(body))
	return nil
}

func (l *Ledger) verified(n uint32, off int64, body int) {
	r := l.table.row(n)
	l.dead += int64(headSize + body) // it is folded into its item when the file is written anew
	r.ver, r.flags = off, r.flags|rowVerified
}

// Forget takes k off the list.
func (l *Ledger) Forget(k *source.Key) error {
	sum := sumOf(k)
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.table.find(&sum)
	if n == noRow || l.table.row(n).off < 0 {
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
	r.off, r.ver, r.flags = -1, 0, 0
	l.table.live--
	l.dead += 2 * int64(headSize+body)
}

// append adds a record to what will be written and gives its place.
func (l *Ledger) append(body []byte) (int64, error) {
	l.body = body
	if l.broken != nil {
		return 0, l.broken
	}
	off := l.size + int64(len(l.buf))
	l.buf = frame(l.buf, body)
	l.closed = false
	if len(l.buf) >= 256<<10 {
		if err := l.flush(); err != nil {
			return 0, err
		}
	}
	return off, nil
}

// flush hands what waits to the system. It is not durable for that.
func (l *Ledger) flush() error {
	if l.broken != nil {
		return l.broken
	}
	if len(l.buf) == 0 {
		return nil
	}
	if n, err := l.file.Write(l.buf); err != nil {
		return l.fail(fmt.Errorf("cannot write the list of copies after %d bytes: %w", n, err))
	}
	l.size += int64(len(l.buf))
	l.buf = l.buf[:0]
	return nil
}

func (l *Ledger) fail(err error) error {
	l.broken = err
	return err
}

// Sync makes everything listed so far durable. After an error the ledger must
// be opened again.
func (l *Ledger) Sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sync()
}

func (l *Ledger) sync() error {
	if err := l.flush(); err != nil {
		return err
	}
	if l.synced == l.size {
		return nil
	}
	if err := l.file.Sync(); err != nil {
		return l.fail(fmt.Errorf("cannot make the list of copies durable: %w", err))
	}
	l.synced = l.size
	return nil
}

// Close makes the list durable and closes it.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.broken
	if err == nil && !l.closed {
		if _, err = l.append([]byte{recClosed}); err == nil {
			err = l.sync()
		}
	}
	if l.broken == nil {
		l.broken = fmt.Errorf("cannot use the list of copies: %w", fs.ErrClosed)
	}
	return errors.Join(err, l.file.Close(), l.lock.Close(), l.root.Close())
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
