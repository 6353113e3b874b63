package world

import (
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// CloudID is the source of a dataset at the server.
func CloudID(d departure.Dataset) departure.SourceID { return departure.SourceID("cloud:" + string(d)) }

func key(id departure.SourceID, item string) string { return string(id) + "/" + item }

func itemOf(k string) string { return k[strings.IndexByte(k, '/')+1:] }

func (w *World) listing(s departure.Source, items map[string]int) departure.Listing {
	l := departure.Listing{Source: s, Complete: true, EndedAt: w.now(), Items: int64(len(items)), Bytes: 10 * int64(len(items)), Keys: departure.DigestOf(items)}
	var failed []string
	for item, rev := range items {
		switch {
		case w.Ledger[key(s.ID, item)] == rev:
			l.Covered++
		case w.Fails[item]:
			l.Failed++
			failed = append(failed, item)
		}
	}
	slices.Sort(failed)
	l.Failures = departure.DigestOf(failed)
	if s.Remote {
		l.OnlyCloud, l.OnlyCloudBytes = l.Items, l.Bytes
	}
	return l
}

// remote is the listing of a dataset at the server, or why there is none.
func (w *World) remote(d departure.Dataset) departure.Listing {
	s := departure.Source{ID: CloudID(d), Dataset: d, Fate: departure.Lost, Remote: true, OfAccount: true, Name: string(d) + " at the server"}
	switch {
	case !w.ServerUp:
		return departure.Listing{Source: s, Why: departure.Reason{Code: "unreachable", Text: "the server cannot be reached"}}
	case !w.Credential:
		return departure.Listing{Source: s, Why: departure.Reason{Code: "no-credential", Text: "the password is not known any more"}}
	case w.Deleted == "unauthorized":
		return departure.Listing{Source: s, Why: departure.Reason{Code: "unauthorized", Text: "the server does not accept the password"}}
	case w.Deleted == "empty":
		return w.listing(s, nil)
	}
	return w.listing(s, w.Cloud[d])
}

func (w *World) sources(job engine.Job) []departure.Listing {
	var ls []departure.Listing
	for _, d := range job.Datasets {
		if !job.Departure.Account.Declared {
			ls = append(ls, w.remote(d))
		}
	}
	if w.SignedIn() {
		s := departure.Source{ID: BookID, Dataset: departure.Contacts, Fate: departure.Leaves, OfAccount: true, Name: "address book"}
		ls = append(ls, w.listing(s, w.Book))
	} else if len(w.Trash) > 0 {
		s := departure.Source{ID: TrashID, Dataset: departure.Contacts, Fate: departure.Leaves, OfAccount: true, Trash: true, TrashOf: BookID, Name: "trash"}
		ls = append(ls, w.listing(s, w.Trash))
	}
	for _, g := range job.Given {
		s := departure.Source{ID: g.ID, Dataset: g.Dataset, Fate: departure.Lost, Given: true, Name: g.Path}
		ls = append(ls, w.listing(s, w.Folder))
	}
	return ls
}
