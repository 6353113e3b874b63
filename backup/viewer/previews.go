package viewer

import (
	"context"
	"encoding/hex"
	"errors"
	"image"
	"io"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/source"
)

const (
	// quickPixels is the size up to which a picture is decoded at once, though it
	// has an embedded preview: it costs some 20 ms.
	quickPixels = 1 << 20
	// pictureTime is how long one picture may take.
	pictureTime = 20 * time.Second
	// keepEvery is after how many pictures the list of previews is written.
	keepEvery = 2000
	// roomEvery is after how many pictures the room on the disk is looked at.
	roomEvery = 200
)

var errNoRoom = errors.New("the disk has no room for previews")

// previewPath is where the preview of a content lies beneath export/.
func previewPath(sum [32]byte) string {
	h := hex.EncodeToString(sum[:])
	return "previews/" + h[:2] + "/" + h + ".jpg"
}

// task is one content to make a preview of.
type task struct {
	sum  [32]byte
	path string
	size int64
	mod  time.Time
}

// makePreviews looks at every content that is not known yet, and makes previews
// while the budget lasts: first what is quick, for every photo, then what must be
// decoded, then better ones for those that have the camera's, the newest first.
func (w *writer) makePreviews(ctx context.Context) error {
	tasks := w.tasks()
	maker := &maker{w: w, memory: semaphore.NewWeighted(maxDecoded), total: len(tasks)}
	budget, stop := context.WithTimeout(ctx, max(w.o.Budget, 0))
	defer stop()
	err := maker.round(budget, tasks, func(sum [32]byte) bool { return !w.known.has(sum) }, maker.quick)
	for _, g := range []grade{gradeNone, gradeSmall} {
		if err == nil {
			err = maker.round(budget, tasks, func(sum [32]byte) bool {
				r := w.known.get(sum)
				return w.known.has(sum) && r.Preview == g
			}, maker.whole)
		}
	}
	if maker.decoded.Load() > 0 {
		debug.FreeOSMemory() // pictures are large, and the agent stays for months
	}
	w.report.Made = int(maker.made.Load())
	w.report.Unread = int(maker.unread.Load())
	if errors.Is(err, errNoRoom) {
		w.report.NoRoom = true
		err = nil
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = nil // the budget is used up
	}
	w.countPreviews(tasks)
	return err
}

// tasks are the contents of the photos, each once, the newest first.
func (w *writer) tasks() []task {
	var tasks []task
	seen := map[[32]byte]bool{}
	for _, it := range w.held.items[source.Photos] {
		if !seen[it.sum] {
			seen[it.sum] = true
			tasks = append(tasks, task{it.sum, it.path, it.size, it.mod})
		}
	}
	slices.SortStableFunc(tasks, func(a, b task) int { return b.mod.Compare(a.mod) })
	return tasks
}

func (w *writer) countPreviews(tasks []task) {
	for _, t := range tasks {
		switch w.known.get(t.sum).Preview {
		case gradeFull:
			w.report.Reused++
		case gradeNever:
			w.report.Without++
		default:
			w.report.Waiting++
		}
	}
	w.report.Reused = max(0, w.report.Reused-w.report.Made)
}

// maker makes previews in several goroutines.
type maker struct {
	w       *writer
	memory  *semaphore.Weighted // bytes that decoding takes
	total   int
	done    atomic.Int64
	made    atomic.Int64
	decoded atomic.Int64
	unread  atomic.Int64
}

// round works on the contents that wanted says, until ctx ends.
func (m *maker) round(ctx context.Context, tasks []task, wanted func([32]byte) bool, work func(context.Context, task) error) error {
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(m.w.o.Workers)
	n := 0
	for _, t := range tasks {
		if within.Err() != nil {
			break
		}
		if !wanted(t.sum) {
			continue
		}
		if n%roomEvery == 0 {
			if err := m.room(); err != nil {
				return errors.Join(err, g.Wait())
			}
		}
		if n++; n%keepEvery == 0 {
			if err := m.w.known.keep(m.w.b); err != nil {
				return errors.Join(err, g.Wait())
			}
		}
		if n%16 == 0 {
			m.w.o.Progress(Progress{Done: int(m.done.Load()), Total: m.total})
		}
		g.Go(func() error {
			defer m.done.Add(1)
			return work(within, t)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// room refuses to fill the disk with what is only convenient: the next photo
// needs it more.
func (m *maker) room() error {
	free, err := m.w.o.Free(m.w.b.Path())
	if err != nil {
		return err
	}
	if free < m.w.o.Spare {
		return errNoRoom
	}
	return nil
}

// open reads the header of a file; nil where the file cannot be read, which is
// for the read-back to say, not for a preview.
func (m *maker) open(t task, use func(*picture) error) error {
	f, err := m.w.b.Root().Open(t.path)
	if err != nil {
		m.unread.Add(1)
		return nil
	}
	defer f.Close()
	p, err := readPicture(f, t.size)
	if err != nil {
		m.unread.Add(1)
		return nil
	}
	return use(p)
}

// quick learns what a file is and when it was taken, and makes the preview that
// costs little.
func (m *maker) quick(ctx context.Context, t task) error {
	return m.open(t, func(p *picture) error {
		r := remembered{Format: p.format, Taken: taken(p, t.path)}
		_, _, camera := p.exif.bestPreview()
		switch small := p.config.Width*p.config.Height <= quickPixels; {
		case p.decodes() && small:
			return m.decode(ctx, t, p, r)
		case camera:
			return m.embedded(ctx, t, p, r)
		case !p.decodes():
			r.Preview = gradeNever
		}
		m.w.known.put(t.sum, r)
		return nil
	})
}

// embedded takes the camera's own preview; where it is smaller than a tile, a
// later round makes a better one.
func (m *maker) embedded(ctx context.Context, t task, p *picture, r remembered) error {
	_, size, _ := p.exif.bestPreview()
	need := cost(formatJPEG, size, true)
	if err := m.memory.Acquire(ctx, need); err != nil {
		return err
	}
	defer m.memory.Release(need)
	small, err := p.embedded()
	var data []byte
	if err == nil {
		err = guarded(func() (err error) {
			data, err = tile(small, p.exif.orientation)
			return err
		})
	}
	switch {
	case err == nil:
		if err := m.put(t, data); err != nil {
			return err
		}
		r.Preview = gradeFull
		if p.decodes() && min(size.Width, size.Height) < tileShort {
			r.Preview = gradeSmall
		}
	case !p.decodes():
		r.Preview = gradeNever
	}
	m.w.known.put(t.sum, r)
	return nil
}

// whole decodes a picture for its preview.
func (m *maker) whole(ctx context.Context, t task) error {
	return m.open(t, func(p *picture) error {
		return m.decode(ctx, t, p, m.w.known.get(t.sum))
	})
}

func (m *maker) decode(ctx context.Context, t task, p *picture, r remembered) error {
	need := min(cost(p.format, p.config, p.many), maxDecoded)
	if err := m.memory.Acquire(ctx, need); err != nil {
		return err
	}
	defer m.memory.Release(need)
	m.decoded.Add(1)
	one, stop := context.WithTimeout(ctx, pictureTime)
	defer stop()
	data, err := preview(one, p)
	switch {
	case err == nil:
		if err := m.put(t, data); err != nil {
			return err
		}
		r.Preview = gradeFull
	case ctx.Err() != nil:
		return ctx.Err() // the time is used up: nothing is said of the picture
	case r.Preview == gradeSmall:
		r.Preview = gradeFull // no better one can be made
	default:
		r.Preview = gradeNever
	}
	m.w.known.put(t.sum, r)
	return nil
}

func preview(ctx context.Context, p *picture) (data []byte, err error) {
	var m image.Image
	if m, err = p.decode(ctx); err != nil {
		return nil, err
	}
	err = guarded(func() (err error) {
		data, err = tile(m, p.exif.orientation)
		return err
	})
	return data, err
}

// put writes a preview. A full disk ends the making of previews, nothing else.
func (m *maker) put(t task, data []byte) error {
	err := m.w.b.WriteView(previewPath(t.sum), data)
	var trouble *bag.DestinationError
	if errors.As(err, &trouble) && trouble.Trouble == bag.Full || errors.Is(err, syscall.EDQUOT) {
		return errNoRoom
	}
	if err == nil {
		m.made.Add(1)
	}
	return err
}

// readAll reads a file of the copy, if it is not larger than limit.
func (w *writer) readAll(path string, limit int64) ([]byte, bool) {
	f, err := w.b.Root().Open(path)
	if err != nil {
		w.report.Unread++
		return nil, false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		w.report.Unread++
		return nil, false
	}
	return data, true
}
