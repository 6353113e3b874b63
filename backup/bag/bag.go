package bag

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
)

// The files of a bag.
const (
	declarationName = "bagit.txt"
	infoName        = "bag-info.txt"
	manifestName    = "manifest-sha256.txt"
	tagName         = "tagmanifest-sha256.txt"
	itemsName       = "items.jsonl"
	failuresName    = "failures.jsonl"
	aboutName       = "data/about.txt"
	exportDir       = "export"

	ownDir      = ".clearance"
	tempDir     = ".clearance/tmp"
	lockName    = ".clearance/lock"
	journalName = ".clearance/journal"
	journalNew  = ".clearance/journal.new"
	foldDir     = ".clearance/fold"
	foldNew     = ".clearance/fold.new"
)

const (
	dirMode     fs.FileMode = 0o700
	fileMode    fs.FileMode = 0o600
	payloadMode fs.FileMode = 0o400
)

// Options of a bag. The zero value is usable.
type Options struct {
	Now  func() time.Time          // nil: the system's clock
	Wrap func(disk.Root) disk.Root // puts a port around the file system, for tests; may be nil
	// On is the device number (st_dev) that the bag must lie on; 0 is any. Held
	// against the opened folder itself, so that nothing is ever written beneath
	// the mount point of a disk that went away.
	On uint64
}

func (o *Options) openRoot(path string) (disk.Root, error) {
	if o.On == 0 {
		return disk.Open(path)
	}
	return disk.OpenOn(path, o.On)
}

func (o *Options) fill() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wrap == nil {
		o.Wrap = func(r disk.Root) disk.Root { return r }
	}
}

// Bag is a bag open for writing. Staging may go on in several goroutines, and
// [Bag.Secure] in one; everything else is done one call at a time.
type Bag struct {
	root disk.Root
	path string
	id   string
	now  func() time.Time
	lock disk.File
	each bool // one sync for many does not reach this disk: each file gets its own

	session string // names of this process's temporary files start with it
	counter counter

	mu      sync.Mutex
	broken  error
	journal disk.File
	pending int    // lines in the journal
	fresh   *fresh // what they add to the lists; nil: they must be read
	stale   bool   // the lists are not as the last fold left them
	names   *names
	dirty   map[string]bool // folders whose names changed since they were last made durable; nil: too many to count
	found   Recovered
}

// Recovered says what [Open] found and did.
type Recovered struct {
	Finished int  // renames that a killed run had left
	Lost     int  // lines of the journal whose file is not there
	Damaged  int  // lines of the journal that could not be read, since [Bag.Mended]
	Fold     bool // a fold was finished
	// Mend says that lines of the journal could not be read, be it only the last
	// one, which has no end: what they spoke of must be told of by a ledger.
	Mend bool
	// Lists names the files about the bag itself that someone else changed. The
	// next fold writes them anew.
	Lists []string
}

// ID is the random id of the bag, as it stands in bag-info.txt.
func (b *Bag) ID() string { return b.id }

// Path is where the bag was opened.
func (b *Bag) Path() string { return b.path }

// Root is the bag's folder. Nothing may be written through it.
func (b *Bag) Root() disk.Root { return b.root }

// Recovered says what the opening found.
func (b *Bag) Recovered() Recovered { return b.found }

// Pending is how many lines wait in the journal for [Bag.Fold].
func (b *Bag) Pending() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pending
}

// Create makes a bag called name in the folder parent, which must exist, and
// opens it. It is a whole bag from the moment it has its name. fs.ErrExist if
// the name is taken.
func Create(parent, name string, o Options) (*Bag, error) {
	o.fill()
	if name != Sanitise(name) {
		return nil, fmt.Errorf("cannot create the copy: %q is not a name for a folder", name)
	}
	under, err := o.openRoot(parent)
	if err != nil {
		return nil, trouble(err)
	}
	root := o.Wrap(under)
	defer root.Close()
	if _, err := root.Lstat(name); err == nil {
		return nil, fmt.Errorf("cannot create the copy %q: %w", filepath.Join(parent, name), fs.ErrExist)
	}
	temp := bornPrefix + randomHex(8)
	if err := bear(root, temp, &o); err != nil {
		unborn(root, temp)
		return nil, trouble(fmt.Errorf("cannot create the copy: %w", err))
	}
	if err := root.Place(temp, name); err != nil {
		unborn(root, temp)
		return nil, trouble(fmt.Errorf("cannot create the copy: %w", err))
	}
	if err := root.SyncDir("."); err != nil {
		return nil, trouble(err)
	}
	return Open(filepath.Join(parent, name), o)
}

// Open opens a bag for writing, and finishes what a killed run had begun.
func Open(path string, o Options) (*Bag, error) {
	o.fill()
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	under, err := o.openRoot(abs)
	if err != nil {
		return nil, trouble(err)
	}
	b := &Bag{root: o.Wrap(under), path: abs, now: o.Now, session: randomHex(4), dirty: map[string]bool{}}
	b.names = newNames(b.root)
	if err := b.open(); err != nil {
		if b.lock != nil {
			_ = b.lock.Close()
		}
		_ = b.root.Close()
		return nil, err
	}
	return b, nil
}

func (b *Bag) open() error {
	if err := b.identify(); err != nil {
		return err
	}
	if err := b.takeLock(); err != nil {
		return err
	}
	b.each = !b.root.SyncsAll()
	if err := b.recover(); err != nil {
		return trouble(err)
	}
	if b.pending == 0 {
		b.startFresh()
	}
	return nil
}

// identify reads the id, and refuses what is not a bag of ours.
func (b *Bag) identify() (err error) {
	b.id, err = identity(b.root, b.path)
	return err
}

// maxSmall bounds the files about the bag itself that are a few lines long, bytes.
const maxSmall = 64 << 10

func readSmall(root disk.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSmall))
}

func (b *Bag) takeLock() error {
	if err := b.root.Mkdir(ownDir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return trouble(err)
	}
	f, err := b.root.Append(lockName, fileMode)
	if err != nil {
		return trouble(err)
	}
	if err := f.TryLock(); err != nil {
		holder, _ := readSmall(b.root, lockName) // for the message alone
		_ = f.Close()
		if errors.Is(err, disk.ErrLocked) {
			return &LockedError{Path: b.path, Holder: shown(string(holder))}
		}
		return trouble(err)
	}
	b.lock = f
	if err := f.Truncate(0); err != nil {
		return trouble(err)
	}
	host, _ := os.Hostname() // for the message of another writer alone
	_, err = fmt.Fprintf(f, "process %d on %s", os.Getpid(), host)
	return trouble(err)
}

func shown(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return s[:min(len(s), 120)]
}

// Close gives the lock back. What waits in the journal stays there for the next
// [Open]; call [Bag.Fold] before to put it into the manifest.
func (b *Bag) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken == nil {
		b.broken = fmt.Errorf("cannot use the copy: %w", fs.ErrClosed)
	}
	err := b.fresh.drop()
	b.fresh = nil
	if b.journal != nil {
		err = errors.Join(err, b.journal.Close())
	}
	return errors.Join(err, b.lock.Close(), b.root.Close())
}

// fail ends the use of the bag: what the disk holds now is known only after it
// is opened again.
func (b *Bag) fail(err error) error {
	err = trouble(err)
	if err != nil && b.broken == nil {
		b.broken = err
	}
	return err
}

func randomHex(bytes int) string {
	buf := make([]byte, bytes)
	_, _ = rand.Read(buf) // never fails since Go 1.24
	return hex.EncodeToString(buf)
}
