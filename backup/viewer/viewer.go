package viewer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/place"
)

// Options of [Write]. The zero value is usable.
type Options struct {
	Now  func() time.Time // nil: the system's clock
	Zone *time.Location   // in which times are shown; nil: the system's

	// Account is what is copied, as a person calls it: "alice@example.org at Nextcloud".
	Account string
	// Verified is what the last reading back found; the zero value says that the
	// copy was never read back.
	Verified Verified

	// Budget is how long previews are made at most; 0: one minute, negative: none
	// are made. What is left waits for the next time.
	Budget time.Duration
	// NoteText is how much of what notes say is shown, bytes, and bounds the memory
	// for it; 0: 64 MiB. The oldest of more stand with their titles alone.
	NoteText int
	// Workers is how many pictures are worked on at once; 0: one a core.
	Workers int
	// Spare is how many bytes of the disk previews leave free; 0: 512 MiB.
	Spare uint64
	// Free says how many bytes are free at a folder; nil: asks the system.
	Free     func(path string) (uint64, error)
	Progress func(Progress) // called one at a time; may be nil
}

// Verified says what is known of the copy from reading it back.
type Verified struct {
	At     time.Time // when the item that was read back longest ago was; zero: none was
	Items  int       // read back, and right
	Unread int       // not read back since they were copied
	Wrong  int       // damaged or missing when they were read back
}

// Progress is how far the making of previews is.
type Progress struct {
	Done, Total int // pictures
}

// Outcome says what was written.
type Outcome string

// The outcomes.
const (
	Complete Outcome = "complete" // pages, and a preview of everything that can have one
	Waiting  Outcome = "waiting"  // pages; previews wait, for time or for room
	Nothing  Outcome = "nothing"  // the pages are as they were before, or in part; the error says why
)

// Report says what [Write] did.
type Report struct {
	Outcome  Outcome
	Photos   int // shown, one for each photo as a person counts them
	Pages    int // besides index.html
	Written  int // pages that changed
	Made     int // previews made now
	Reused   int
	Waiting  int // photos whose preview is not made, or only the camera's small one
	Without  int // photos that have none: no decoder, too large, or broken
	NoRoom   bool
	Unread   int // files of the copy that could not be read, and are shown by name alone
	Duration time.Duration
}

// Write writes index.html and the pages beside it, from what was folded into the
// bag's lists. Cancelled, it leaves what it made for the next time. An error
// means that the pages may be older than the copy; the copy is untouched by it.
func Write(ctx context.Context, b *bag.Bag, o Options) (Report, error) {
	o.fill()
	w := &writer{b: b, o: o, began: o.Now()}
	err := w.write(ctx)
	w.report.Duration = o.Now().Sub(w.began)
	switch {
	case err != nil:
		w.report.Outcome = Nothing
		err = fmt.Errorf("cannot write the pages of the copy: %w", err)
	case w.report.Waiting > 0:
		w.report.Outcome = Waiting
	default:
		w.report.Outcome = Complete
	}
	return w.report, err
}

func (o *Options) fill() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Budget == 0 {
		o.Budget = time.Minute
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.NoteText == 0 {
		o.NoteText = 64 << 20
	}
	if o.Spare == 0 {
		o.Spare = 512 << 20
	}
	if o.Free == nil {
		o.Free = free
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
}

func free(path string) (uint64, error) {
	p, err := place.Look(path)
	return uint64(max(0, p.FreeBytes)), err
}

// writer is one call of Write.
type writer struct {
	b      *bag.Bag
	o      Options
	began  time.Time
	held   *holdings
	known  *memory
	report Report

	strangers int // files among the photos that are none
	bareNotes int // notes that stand with their titles alone
}

func (w *writer) write(ctx context.Context) error {
	held, err := gather(ctx, w.b)
	if err != nil {
		return err
	}
	w.held = held
	if w.known, err = recall(w.b); err != nil {
		return err
	}
	// What was made until then stays, also where making ends in an error.
	err = w.makePreviews(ctx)
	if err == nil {
		err = w.publish(ctx)
	}
	return errors.Join(err, w.known.keep(w.b))
}
