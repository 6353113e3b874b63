package tasks

import (
	"context"
	"maps"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav"
)

// sight is what a look found at the server, and what that rests on beside the
// server itself.
type sight struct {
	ground departure.Digest
	found  map[departure.Dataset]dav.Collections
	listed map[departure.SourceID]departure.Listing // the complete ones, and what others share
	last   map[departure.SourceID]dav.Listing       // the server's own behind them
}

// fresh is the part of a listing's life in which a glance carries it: it is made
// anew before the old one is too old.
func fresh(life time.Duration) time.Duration { return life * 7 / 10 }

// pollWait bounds a glance's question: a server that does not answer by then is
// looked at as one that is in trouble.
const pollWait = 20 * time.Second

// ground is the digest of what a listing at the server is held against.
func (s *survey) ground() (departure.Digest, error) {
	l, err := s.w.ledgerOf(s.job)
	if err != nil || l == nil {
		return "", err
	}
	held, err := l.Digest()
	if err != nil {
		return "", err
	}
	return departure.DigestOf(held, s.job.Departure, s.job.Datasets, s.job.PhotoFolders, s.job.Destination.BagID), nil
}

// sighted keeps what a look found at the server.
func (s *survey) sighted(listings []departure.Listing) {
	if s.session == nil {
		return
	}
	ground, err := s.ground()
	if err != nil || ground == "" {
		ground = "none" // the next glance lists in full
	}
	now := &sight{ground: ground, found: s.found, last: maps.Clone(s.last), listed: make(map[departure.SourceID]departure.Listing)}
	for _, l := range listings {
		if l.Source.Remote && (l.Complete || l.Source.SharedBy != "") {
			now.listed[l.Source.ID] = l
		}
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.session.sight = now
}

// carry adds the sources of a dataset as they were last listed, where this is a
// glance and the server shows that they still are so. It reports false where
// they must be listed in full.
func (s *survey) carry(ctx context.Context, d departure.Dataset) bool {
	if !s.job.Glance {
		return false
	}
	s.w.mu.Lock()
	was := s.session.sight
	s.w.mu.Unlock()
	if was == nil {
		return false
	}
	if ground, err := s.ground(); err != nil || ground != was.ground {
		return false
	}
	var listed []departure.Listing
	for _, l := range was.listed {
		if l.Source.Dataset == d {
			listed = append(listed, l)
		}
	}
	asked := s.w.now()
	for _, l := range listed {
		life := departure.ListingLife
		if l.Unmarked {
			life = departure.ServerLife
		}
		if age := asked.Sub(l.EndedAt); l.Complete && (age > fresh(life) || age < 0) { // the clock was set back
			return false
		}
	}
	if len(listed) == 0 {
		return false
	}
	same, err := s.poll(ctx, d, was)
	if err != nil {
		return false // the full listing that follows tells why
	}
	s.differs = s.differs || same == dav.Differs
	for _, l := range listed {
		if same != dav.Unchanged && (same != dav.Unproved || !l.Unmarked) {
			return false
		}
	}
	for _, l := range listed {
		if same == dav.Unchanged {
			l.SameAt = asked
		}
		s.add(&origin{src: l.Source, carried: &l})
		if last, ok := was.last[l.Source.ID]; ok {
			s.last[l.Source.ID] = last
		}
	}
	if cs, ok := was.found[d]; ok {
		s.found[d] = cs
	}
	return true
}

// poll asks the server whether a dataset is as it was; the file tree is asked
// for once.
func (s *survey) poll(ctx context.Context, d departure.Dataset, was *sight) (dav.Sameness, error) {
	ctx, cancel := context.WithTimeout(ctx, pollWait)
	defer cancel()
	switch d {
	case departure.Contacts, departure.Calendars:
		return s.session.client.Poll(ctx, was.found[d], was.lastOf(d))
	}
	if s.polled == nil {
		s.polled = &polled{}
		if ls := was.lastOf(d); len(ls) > 0 {
			s.polled.same, s.polled.err = s.session.client.PollFiles(ctx, ls[0])
		}
	}
	return s.polled.same, s.polled.err
}

// polled is what the server answered of its file tree.
type polled struct {
	same dav.Sameness
	err  error
}

// lastOf are the server's own listings behind those of a dataset.
func (was *sight) lastOf(d departure.Dataset) []dav.Listing {
	var ls []dav.Listing
	for id, l := range was.listed {
		if last, ok := was.last[id]; ok && l.Source.Dataset == d {
			ls = append(ls, last)
		}
	}
	return ls
}
