package tasks

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/dataset"
)

// findStores adds the stores of the programs on this device: those of the
// account, those that may be, and this device's own where they count.
func (s *survey) findStores(ctx context.Context) {
	names, done := s.w.namesakesOf(ctx, s.job.Departure.Account)
	defer done()
	found := make([]result[[]dataset.Store], len(s.w.cfg.Finders))
	var finding sync.WaitGroup
	for i, f := range s.w.cfg.Finders {
		finding.Go(func() {
			found[i].got, found[i].err = askedOf(ctx, s.w, f.Name(), f.Find, closeStores)
		})
	}
	finding.Wait()
	for i, f := range s.w.cfg.Finders {
		if err := found[i].err; err != nil {
			s.lack("stores", fmt.Sprintf("what %s holds on this device could not be looked at: %v", f.Name(), err))
		}
		for k := range found[i].got {
			s.addStore(&found[i].got[k], names)
		}
	}
}

// closeStores closes stores that came when nobody waited for them any more.
func closeStores(stores []dataset.Store) {
	for _, st := range stores {
		if st.Close != nil {
			_ = st.Close() // only read
		}
	}
}

func (s *survey) addStore(st *dataset.Store, names *namesakes) {
	if st.Close != nil {
		s.closers = append(s.closers, func(context.Context) error { return st.Close() })
	}
	for slices.ContainsFunc(s.stores, func(k store) bool { return k.src.ID == st.ID }) {
		// Two homes of one program, as a Snap has, may both have it.
		st.ID += departure.SourceID("@" + string(departure.DigestOf(st.Folder, st.Watched))[:8])
	}
	src, ours := s.storeSource(st, names)
	if !ours || st.Derived {
		return
	}
	if src.Fate == departure.Stays && !src.OfAccount && !s.job.Departure.Required(src) {
		return
	}
	o := &origin{src: src, why: st.Why, rehash: true}
	s.add(o)
	s.stores = append(s.stores, store{src: src, watched: st.Watched, folder: st.Folder})
	switch list := st.List; {
	case st.Why.Code != "":
	case list == nil:
		o.why = departure.Reason{Code: "not-listed", Text: src.Name + " could not be listed"}
	default:
		o.list = func(ctx context.Context, want func(*source.Item) bool) iter.Seq2[source.Item, error] {
			ref := o.ref(s.job)
			return source.Paced(ctx, ref, string(st.ID)+" for "+s.w.cfg.State, list(ctx, ref, want))
		}
	}
}

// storeSource says what leaving the account does to a store; ours is false for
// one of somebody else.
func (s *survey) storeSource(st *dataset.Store, names *namesakes) (src departure.Source, ours bool) {
	src = departure.Source{ID: st.ID, Dataset: st.Dataset, Fate: departure.Stays, Name: st.Name}
	if st.Who == (binding.Who{}) {
		return src, true
	}
	switch names.of(s.w.whose("store", st.Who)) {
	case binding.MatchNo:
		return src, false
	case binding.MatchYes:
		src.OfAccount = true
		if st.Goes {
			src.Fate = departure.Leaves
		}
	default:
		// Nobody can tell whose it is: what may go with the account is copied.
		src.OfAccount, src.Fate = true, departure.Leaves
		src.Name += ", which may be of this account"
	}
	return src, true
}

// store is one that is listed.
type store struct {
	src     departure.Source
	watched []string
	folder  string
}
