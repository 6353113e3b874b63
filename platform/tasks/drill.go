package tasks

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/eds"
	desktop "github.com/clearance-project/clearance/platform/session"
)

// maxExamples is how many items of a part of a drill are named.
const maxExamples = 10

// drill restores twice into a place of its own and holds what is there against
// the copy: every item into a folder, and what books can hold into the books of
// a session that has its own home and bus. The place goes with the drill; what a
// killed one left goes with the next.
func (w *Worker) drill(ctx context.Context, from *opened, task *engine.RestoreTask, report engine.Report) (out engine.RestoreReport, err error) {
	place, err := w.drillPlace(ctx, from.Path(), task)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, place.remove()) }()
	d := &drill{w: w, from: from, sel: selection(task), report: report, dir: place.dir, result: &engine.RestoreDrill{Equal: true}}
	defer func() { err = errors.Join(err, d.close()) }()
	parts, err := d.parts(ctx)
	if err != nil {
		return out, err
	}
	for i, p := range parts {
		r, err := d.part(ctx, p)
		if err != nil {
			return out, err
		}
		if i == 0 { // the folder, which takes everything
			out = restored(from, "a drill", &r)
			out.Items, out.More = nil, 0
		}
		if !r.Whole() {
			out.Outcome = engine.RestorePartial
		}
	}
	out.Drill = d.result
	if !d.result.Equal {
		out.Outcome = engine.RestorePartial
	}
	return out, nil
}

// drillPlace is a folder of a drill, locked while it runs.
type drillPlace struct {
	dir  string
	lock *os.File
	note string // the worker's file that says where dir is
}

const (
	drillPrefix = "clearance-drill-"
	noteSuffix  = ".place"
)

// drillPlace makes a folder for a drill: beneath the one that was asked for, or
// beneath the worker's own. In the copy none is made.
func (w *Worker) drillPlace(ctx context.Context, copyPath string, task *engine.RestoreTask) (drillPlace, error) {
	notes := filepath.Join(w.cfg.State, "drills")
	if err := os.MkdirAll(notes, 0o700); err != nil {
		return drillPlace{}, &restore.TargetError{Err: err}
	}
	parent := task.To.Path
	if parent == "" {
		parent = notes
	} else if err := w.notSynced(ctx, task); err != nil {
		return drillPlace{}, err
	}
	if err := restore.Apart(copyPath, parent); err != nil {
		return drillPlace{}, err
	}
	if err := removeLeftDrills(notes); err != nil {
		return drillPlace{}, &restore.TargetError{Err: err}
	}
	name := drillPrefix + rand.Text()
	p := drillPlace{dir: filepath.Join(parent, name), note: filepath.Join(notes, name+noteSuffix)}
	if err := os.WriteFile(p.note, []byte(p.dir), 0o600); err != nil {
		return drillPlace{}, &restore.TargetError{Err: err}
	}
	err := os.Mkdir(p.dir, 0o700)
	if err != nil {
		return drillPlace{}, &restore.TargetError{Err: errors.Join(err, os.Remove(p.note))}
	}
	if p.lock, err = lockDrill(p.dir, os.O_CREATE|os.O_EXCL); err != nil {
		return drillPlace{}, errors.Join(&restore.TargetError{Err: err}, p.remove())
	}
	return p, nil
}

func (p *drillPlace) remove() error {
	err := os.RemoveAll(p.dir)
	if p.lock != nil {
		err = errors.Join(err, p.lock.Close())
	}
	if err == nil {
		err = os.Remove(p.note)
	}
	if err != nil {
		return fmt.Errorf("cannot take the drill's folder away: %w", err)
	}
	return nil
}

func lockDrill(dir string, flags int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|unix.O_NOFOLLOW|flags, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// removeLeftDrills takes away what killed drills left, of which each made a note
// first: no folder is known by its name alone. One that runs has its lock.
func removeLeftDrills(notes string) error {
	list, err := os.ReadDir(notes)
	if err != nil {
		return err
	}
	for _, e := range list {
		name, isNote := strings.CutSuffix(e.Name(), noteSuffix)
		if !isNote {
			continue
		}
		p := drillPlace{note: filepath.Join(notes, e.Name())}
		at, err := os.ReadFile(p.note)
		if err != nil {
			return err
		}
		if p.dir = string(at); filepath.Base(p.dir) != name {
			continue // none of ours
		}
		p.lock, err = lockDrill(p.dir, 0)
		if errors.Is(err, fs.ErrNotExist) {
			// The drill ended before it had its lock: an empty folder is left, or none.
			if err := os.Remove(p.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err := os.Remove(p.note); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			continue // it runs
		}
		if err := p.remove(); err != nil {
			return err
		}
	}
	return nil
}

// drill is one under way.
type drill struct {
	w       *Worker
	from    *opened
	sel     restore.Selection
	report  engine.Report
	dir     string
	result  *engine.RestoreDrill
	session *desktop.Session
	bus     *bus.Conn
}

func (d *drill) close() (err error) {
	if d.bus != nil {
		d.bus.Close()
	}
	if d.session != nil {
		err = d.session.Close()
	}
	return err
}

// drillPart is a target of a drill, and how what is there is held against the
// copy.
type drillPart struct {
	name    string
	target  restore.Target
	compare func(ctx context.Context, items []drilled, out *engine.DrillPart) error
	state   func(ctx context.Context) (string, error) // equal while nothing changes
}

// parts are the targets: the folder, and the books, or files where there are no
// books to be had.
func (d *drill) parts(ctx context.Context) ([]drillPart, error) {
	folder, err := restore.NewFolder(filepath.Join(d.dir, "folder"), restore.FolderOptions{Plain: true})
	if err != nil {
		return nil, err
	}
	parts := []drillPart{{name: "files in a folder", target: folder, compare: compareFolder(folder.Path()), state: treeState(folder.Path())}}
	client, why := d.privateBooks(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if why == nil {
		b := &books{eds: client, name: "Drill"}
		c := &bookCheck{eds: client}
		return append(parts, drillPart{"address book, calendar, tasks and notes", b, c.compare, c.state}), nil
	}
	d.result.Substitute = why.Error()
	for name, file := range map[string]string{"one .vcf file": "contacts.vcf", "one .ics file": "calendar.ics"} {
		f, err := restore.NewFile(filepath.Join(d.dir, file), restore.FolderOptions{})
		if err != nil {
			return nil, err
		}
		parts = append(parts, drillPart{name, f, compareFile(f.Path()), fileState(f.Path())})
	}
	return parts, nil
}

// privateBooks starts evolution-data-server in a session of its own, from which
// nothing of the person's can be reached.
func (d *drill) privateBooks(ctx context.Context) (*eds.Client, error) {
	s, err := desktop.Private(ctx, desktop.Options{Keyring: desktop.KeyringNone, Services: []string{"org.gnome.evolution.dataserver.*.service"}})
	if err != nil {
		return nil, err
	}
	d.session = s
	if d.bus, err = bus.Open(ctx, bus.Options{Address: s.BusAddress}); err != nil {
		return nil, err
	}
	client := eds.New(d.bus, eds.Options{})
	ok, err := client.Installed(ctx)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &desktop.MissingError{Program: "evolution-data-server", Package: "evolution-data-server"}
	}
	if _, err := client.Sources(ctx); err != nil {
		return nil, err
	}
	return client, nil
}

// part restores to one target twice and compares each time.
func (d *drill) part(ctx context.Context, p drillPart) (restore.Report, error) {
	out := engine.DrillPart{Target: p.name}
	began := d.w.now()
	rec := &recorder{Target: p.target}
	o := restore.Options{Ledger: d.from.ledger, Witness: d.from.vouched == byAnother, Now: d.w.cfg.Clock.Now, Progress: progress(d.report)}
	first, err := restore.Run(ctx, d.from.Reader, rec, d.sel, o)
	if err != nil {
		return first, err
	}
	out.Items, out.Bytes, out.Failed = int64(first.All.Selected), first.All.Bytes, int64(first.All.Failed)
	for _, f := range first.Failures {
		example(&out, f.Title, why(f))
	}
	if err := p.compare(ctx, rec.items, &out); err != nil {
		return first, err
	}
	before, err := p.state(ctx)
	if err != nil {
		return first, err
	}
	d.result.Took.First += d.w.now().Sub(began).Seconds()
	began = d.w.now()
	second, err := restore.Run(ctx, d.from.Reader, &recorder{Target: p.target}, d.sel, o)
	if err != nil {
		return first, err
	}
	out.Again = int64(second.All.Written)
	after, err := p.state(ctx)
	if err != nil {
		return first, err
	}
	if before != after {
		example(&out, p.name, "the second time changed what the first had restored")
		out.Strange++
	}
	d.result.Took.Second += d.w.now().Sub(began).Seconds()
	d.result.Parts = append(d.result.Parts, out)
	d.result.Equal = d.result.Equal && out.Whole()
	return first, nil
}

// drilled is an item with where it went.
type drilled struct {
	it    *restore.Item
	where string
}

// recorder notes where each item went that was restored.
type recorder struct {
	restore.Target
	mu    sync.Mutex
	items []drilled
}

func (r *recorder) Write(ctx context.Context, b restore.Batch) error {
	done := b.Done
	b.Done = func(it *restore.Item, res restore.Result) {
		if res.State != restore.Failed {
			r.mu.Lock()
			r.items = append(r.items, drilled{it, res.Where})
			r.mu.Unlock()
		}
		done(it, res)
	}
	return r.Target.Write(ctx, b)
}

func example(out *engine.DrillPart, name, what string) {
	if len(out.Examples) < maxExamples {
		out.Examples = append(out.Examples, text(name)+": "+what)
	}
}
