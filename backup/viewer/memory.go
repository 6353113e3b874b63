package viewer

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
)

// grade is how good the preview of a photo is.
type grade string

const (
	gradeNone  grade = ""      // not made yet
	gradeSmall grade = "small" // the camera's own, smaller than a tile
	gradeFull  grade = "full"
	gradeNever grade = "never" // cannot be made
)

// remembered is what the viewer knows of one content. As it lies in the copy,
// anyone may have written it: it serves for showing alone.
type remembered struct {
	Sum     string     `json:"sha256"`
	Taken   *time.Time `json:"taken,omitempty"` // wall clock where it was taken, as UTC
	Format  format     `json:"format,omitempty"`
	Preview grade      `json:"preview,omitempty"`
}

const (
	memoryName = "view/photos.jsonl"
	// memoryVersion is raised when previews are made in another way: they are
	// then all made anew.
	memoryVersion = `{"previews":1}`
)

// memory is what is known of the contents of photos. It may be used from several
// goroutines.
type memory struct {
	mu    sync.Mutex
	of    map[[32]byte]remembered
	fresh int // learnt since it was kept
}

// recall reads what was known the last time. What cannot be read is learnt anew.
func recall(b *bag.Bag) (*memory, error) {
	m := &memory{of: map[[32]byte]remembered{}}
	there, err := madePreviews(b)
	if err != nil {
		return nil, err
	}
	f, err := b.Root().Open("export/" + memoryName)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewScanner(io.LimitReader(f, 4*maxShown*256))
	in.Buffer(nil, 4096)
	if !in.Scan() || in.Text() != memoryVersion {
		return m, nil
	}
	for in.Scan() && len(m.of) < 4*maxShown {
		var r remembered
		var sum [32]byte
		if json.Unmarshal(in.Bytes(), &r) != nil || len(r.Sum) != 64 {
			continue
		}
		if _, err := hex.Decode(sum[:], []byte(r.Sum)); err != nil {
			continue
		}
		if (r.Preview == gradeFull || r.Preview == gradeSmall) && !there[sum] {
			continue // someone took it away
		}
		m.of[sum] = r
	}
	return m, nil // a line too long ends it: the rest is learnt anew
}

func (m *memory) get(sum [32]byte) remembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of[sum]
}

// has reports whether anything is known of a content.
func (m *memory) has(sum [32]byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.of[sum]
	return ok
}

func (m *memory) put(sum [32]byte, r remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r.Sum = hex.EncodeToString(sum[:])
	m.of[sum] = r
	m.fresh++
}

// keep makes the previews durable and then lists them.
func (m *memory) keep(b *bag.Bag) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fresh == 0 {
		return nil
	}
	if err := b.SyncView(); err != nil {
		return err
	}
	var out bytes.Buffer
	out.WriteString(memoryVersion + "\n")
	enc := json.NewEncoder(&out)
	for _, r := range m.of {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	if err := b.WriteView(memoryName, out.Bytes()); err != nil {
		return err
	}
	m.fresh = 0
	return nil
}

// madePreviews lists the previews that lie in the bag.
func madePreviews(b *bag.Bag) (map[[32]byte]bool, error) {
	there := map[[32]byte]bool{}
	for i := range 256 {
		names, err := b.Root().Names(fmt.Sprintf("export/previews/%02x", i))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			var sum [32]byte
			if h, ok := strings.CutSuffix(name, ".jpg"); ok && len(h) == 64 {
				if _, err := hex.Decode(sum[:], []byte(h)); err == nil {
					there[sum] = true
				}
			}
		}
	}
	return there, nil
}
