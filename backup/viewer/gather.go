package viewer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"path"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/source"
)

// maxShown is how many items of a kind are shown; more are counted. It bounds
// what is held in memory to some 200 bytes each.
const maxShown = 200_000

// maxFailures is how many failures are shown by name; more are counted.
const maxFailures = 2000

// item is the newest version of one item of the copy.
type item struct {
	dataset source.Dataset
	source  string
	name    string
	path    string // in the bag
	size    int64
	mod     time.Time
	sum     [32]byte
}

// shown is the name for a person.
func (i *item) shown() string {
	if i.name != "" {
		return i.name
	}
	return path.Base(i.path)
}

// holdings are what the bag's lists say that it holds.
type holdings struct {
	items    map[source.Dataset][]item
	count    map[source.Dataset]int // newest versions, those not shown too
	bytes    map[source.Dataset]int64
	older    int // earlier versions that are kept beside
	newest   time.Time
	failures []bag.Failure
	failed   int // could not be copied
	odd      int // copied, and not of the form that they should have
}

// gather reads the lists of the bag.
func gather(ctx context.Context, b *bag.Bag) (*holdings, error) {
	h := &holdings{items: map[source.Dataset][]item{}, count: map[source.Dataset]int{}, bytes: map[source.Dataset]int64{}}
	at := map[[16]byte]int{}
	words := map[string]string{} // sources are few and stand in every line
	n := 0
	for r, err := range b.Items() {
		if err != nil {
			return nil, err
		}
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if r.State != bag.Copied || strings.HasPrefix(r.Source, "trash:") {
			continue
		}
		if _, ok := words[r.Source]; !ok {
			words[r.Source] = r.Source
		}
		h.add(&r, words[r.Source], at)
	}
	for f, err := range b.Failures() {
		if err != nil {
			return nil, err
		}
		if isOdd(&f) {
			h.odd++
		} else {
			h.failed++
		}
		if len(h.failures) < maxFailures {
			h.failures = append(h.failures, f)
		}
	}
	return h, nil
}

func (h *holdings) add(r *bag.Record, from string, at map[[16]byte]int) {
	k := keySum(&r.Key)
	list := h.items[r.Dataset]
	i, again := at[k]
	switch {
	case again && i >= 0:
		h.older++
		h.bytes[r.Dataset] += r.Size - list[i].size
	case again:
		h.older++
	default:
		h.count[r.Dataset]++
		h.bytes[r.Dataset] += r.Size
		i = -1
		if len(list) < maxShown {
			i = len(list)
			list = append(list, item{})
		}
		at[k] = i
	}
	if i >= 0 {
		list[i] = item{r.Dataset, from, r.Name, r.Path, r.Size, r.ModTime, r.SHA256}
	}
	h.items[r.Dataset] = list
	if r.FirstSeen.After(h.newest) {
		h.newest = r.FirstSeen
	}
}

// keySum stands for a key: keys may be long, and there may be a million of them.
func keySum(k *source.Key) (sum [16]byte) {
	h := sha256.New()
	for _, s := range []string{k.Account, string(k.Dataset), k.Source, k.ID} {
		h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	copy(sum[:], h.Sum(nil))
	return sum
}
