package tasks

import (
	"context"
	"maps"
	"slices"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav"
)

func ownCollection(c dav.Collection) bool { return c.SharedBy == dav.Person{} }

// shared makes a source at the server another person's. Its name in the record is
// one of its own: what was the account's and is said to be somebody else's by now
// is missed, and asked for.
func shared(src *departure.Source, by dav.Person) {
	src.ID += departure.SourceID(" shared by " + by.ID)
	src.Fate, src.OfAccount, src.SharedBy = departure.Stays, false, by.Name
	src.Name += ", shared with you by " + by.Name
}

// collectionID is the source of an address book or calendar.
func collectionID(d departure.Dataset, c dav.Collection) departure.SourceID {
	src := departure.Source{ID: serverID(d, c.Path)}
	if !ownCollection(c) {
		shared(&src, c.SharedBy)
	}
	return src.ID
}

// findShared adds what other people share in the account's file tree: one source
// a person. The tree is listed for it.
func (s *survey) findShared(ctx context.Context) {
	if s.files == nil {
		return
	}
	t := s.walk(ctx, *s.files)
	if t.err != nil {
		return // the account's own origins in the tree say why
	}
	people := make(map[string]dav.Person)
	for _, it := range t.items {
		if it.SharedBy.ID != "" {
			people[it.SharedBy.ID] = it.SharedBy
		}
	}
	for id := range t.list.Broken {
		if _, known := people[id]; !known {
			people[id] = dav.Person{ID: id, Name: id}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(people)) {
		o := s.serverOrigin(departure.Files, "", departure.Reason{})
		shared(&o.src, people[id])
		o.person = id
		s.filesOrigin(o, *s.files)
		s.add(o)
	}
}
