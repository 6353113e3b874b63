package beside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/packaging/bench/corpus"
)

// Source is a corpus that stands, read-only where it is an image.
type Source struct {
	At string
	corpus.Made
	volume *Volume
}

// made is what is noted beside a corpus once it is whole.
const made = "made.json"

// Source is a corpus of n files, made where it is not kept from an earlier run.
func (p *Place) Source(ctx context.Context, kind corpus.Kind, n int) (s *Source, err error) {
	how := "folder"
	if p.Images {
		how = "image"
	}
	name := filepath.Join(p.Dir, fmt.Sprintf("corpus-%s-%d-%s", kind, n, how))
	v := &Volume{At: name, place: p, keep: true}
	if p.Images {
		v.image = name + ".img"
	}
	note, err := os.ReadFile(name + "." + made)
	if err == nil {
		s = &Source{At: filepath.Join(v.At, "files"), volume: v}
		if err := json.Unmarshal(note, &s.Made); err != nil {
			return nil, err
		}
		if p.Images {
			if err := errors.Join(os.MkdirAll(v.At, 0o755), v.mount(ctx, "ro")); err != nil {
				return nil, err
			}
		}
		return s, nil
	}
	return p.make(ctx, name, kind, n)
}

func (p *Place) make(ctx context.Context, name string, kind corpus.Kind, n int) (_ *Source, err error) {
	for _, rest := range []string{name, name + ".img"} { // of a run that was stopped
		if err := os.RemoveAll(rest); err != nil {
			return nil, err
		}
	}
	v := &Volume{At: name, place: p, keep: true}
	if p.Images {
		v.image = name + ".img"
		err = v.make(ctx, room(kind, n), n+n/8+1000)
	} else {
		err = os.Mkdir(v.At, 0o755)
	}
	if err != nil {
		return nil, err
	}
	s := &Source{At: filepath.Join(v.At, "files"), volume: v}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.Close())
		}
	}()
	if err := os.Mkdir(s.At, 0o755); err != nil {
		return nil, err
	}
	if s.Made, err = corpus.Fill(s.At, kind, n); err != nil {
		return nil, err
	}
	unix.Sync()
	if err := p.settle(ctx); err != nil {
		return nil, err
	}
	note, err := json.Marshal(s.Made)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(name+"."+made, note, 0o644); err != nil {
		return nil, err
	}
	if p.Images {
		err = tell(ctx, "mount", "-o", "remount,ro", v.At)
	}
	return s, err
}

// settle waits until no stamp of a new corpus is fresh any more: Clearance reads
// a file that was written within two seconds of its look a second time.
func (p *Place) settle(ctx context.Context) error {
	select {
	case <-time.After(p.rest):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// room is how large a file system has to be for a copy of a corpus by any of
// the tools, with what they keep beside it.
func room(kind corpus.Kind, n int) int64 {
	each := int64(10_000) // a block, lines in manifest, items and journal, each twice
	if kind == corpus.Photos {
		each = 2_400_000
	}
	return 192<<20 + int64(n)*each
}

// Close takes it down; it is kept for the next run.
func (s *Source) Close() error { return s.volume.Close() }

// warm reads every file once, so that no tool finds the source colder than
// another. Once a run is not enough: a system may page out what nobody touched for
// a minute (DAMON's reclaim), which is shorter than some trials.
func (s *Source) warm(ctx context.Context) error {
	return eachFile(s.At, func(path string) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(io.Discard, f)
		return err
	})
}

// eachFile calls fn for every regular file beneath dir, from a few goroutines.
func eachFile(dir string, fn func(path string) error) error {
	paths := make(chan string, 256)
	errs := make(chan error, 4)
	var readers sync.WaitGroup
	for range cap(errs) {
		readers.Go(func() {
			var failed error
			for path := range paths {
				if failed == nil {
					failed = fn(path)
				}
			}
			errs <- failed
		})
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths <- path
		}
		return err
	})
	close(paths)
	readers.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}
