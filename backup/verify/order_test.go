package verify

import (
	"slices"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

func TestItemsAreReadInTheOrderOfTheirInodes(t *testing.T) {
	item := func(id string, ino uint64) ledger.Entry {
		e := ledger.Entry{Key: source.Key{ID: id}, Stat: disk.Stat{Ino: ino}}
		if ino > 0 {
			e.VerifiedAt = time.Unix(1, 0)
		}
		return e
	}
	part := []ledger.Entry{item("new", 0), item("c", 9), item("after c", 0), item("a", 2), item("b", 5), item("after b", 0)}
	order(part)
	var got []string
	for _, e := range part {
		got = append(got, e.ID)
	}
	if !slices.Equal(got, []string{"new", "a", "b", "after b", "c", "after c"}) {
		t.Error(got)
	}
}

func TestSmallItemsGoTogetherAndLargeOnesAlone(t *testing.T) {
	part := make([]ledger.Entry, 100)
	part[50].Size, part[51].Size = smallFile+1, smallFile+1
	small, large := make(chan []ledger.Entry, 100), make(chan []ledger.Entry, 100)
	if err := hand(t.Context(), part, small, large); err != nil {
		t.Fatal(err)
	}
	close(small)
	close(large)
	var sizes []int
	for batch := range small {
		sizes = append(sizes, len(batch))
	}
	if !slices.Equal(sizes, []int{32, 18, 32, 16}) || len(large) != 2 {
		t.Errorf("%v small, %d large", sizes, len(large))
	}
}
