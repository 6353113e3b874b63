package tasks

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// TestSealWithoutTheServer: what cannot be listed is a broken row that says why,
// and no error; the device's side is sealed all the same.
func TestSealWithoutTheServer(t *testing.T) {
	d := newDesk(t)
	d.signIn(davtest.Content{Contacts: 3, Events: 2, Photos: 2}, nil)
	must(t, d.Watch(t.Context(), d.job, func(departure.SourceID) {}))
	eventually(t, "the books on this device", func() bool { return d.look().Kept.Needed == 5 })
	d.backup()
	whole := d.seal()
	for _, r := range whole.Rows {
		if !r.Intact || r.Why.Code != "" {
			t.Errorf("with the server: %+v", r)
		}
	}
	d.job.Sealed = whole.Rows

	must(t, d.server.Die())
	alone := d.seal()
	if len(alone.Rows) != len(whole.Rows) {
		t.Errorf("%d rows without the server, %d with it", len(alone.Rows), len(whole.Rows))
	}
	for _, r := range alone.Rows {
		if r.Intact == r.Source.Remote || (r.Why.Code == "unreachable") != r.Source.Remote {
			t.Errorf("without the server: %+v", r)
		}
	}
	moved := d.sweep()
	for _, r := range whole.Rows {
		i := slices.IndexFunc(moved, func(m engine.Moved) bool { return m.Source == r.Source.ID })
		if (i >= 0) != r.Source.Remote || (i >= 0 && moved[i].Why.Code != "unreachable") {
			t.Errorf("%s moved: %+v", r.Source.ID, moved)
		}
	}
}

// TestSealWithHiddenSources: where the set of sources is not known in full the
// answer says so beside the rows that there are.
func TestSealWithHiddenSources(t *testing.T) {
	d := newDesk(t)
	d.signIn(davtest.Content{Contacts: 1}, nil)
	d.job.Departure.Account.Declared = true // it was declared, and is signed in by now
	must(t, d.Watch(t.Context(), d.job, func(departure.SourceID) {}))
	g, err := d.InspectSource(t.Context(), departure.Files, d.folder("files", map[string]string{"one": "1"}), nil)
	must(t, err)
	d.job.Given = append(d.job.Given, g)
	sealed := d.seal()
	if sealed.Missing.Code != "signed-in-since" || len(sealed.Rows) != 1 {
		t.Errorf("sealed: %+v", sealed)
	}
	d.job.Sealed = sealed.Rows
	if moved := d.sweep(); len(moved) != 1 || moved[0].Source != "" || moved[0].Why.Code != "signed-in-since" {
		t.Errorf("moved: %+v", moved)
	}
}

// TestBytesNotReadAgain breaks the row of a source: its listing shows stamps
// alone. What never was in the copy is judged by the listing.
func TestBytesNotReadAgain(t *testing.T) {
	d := newDesk(t)
	d.declared(map[departure.Dataset]string{
		departure.Files: d.folder("files", map[string]string{"one": "1"}), departure.Notes: d.folder("notes", map[string]string{"a.md": "# A\n"}),
	})
	eventually(t, "both in the copy", func() bool { d.backup(); return d.look().Copy.Items == 2 })
	s, err := d.survey(t.Context(), d.job)
	must(t, err)
	defer func() { must(t, s.close(t.Context())) }()
	l, err := d.ledgerOf(d.job)
	must(t, err)
	i := slices.IndexFunc(s.origins, func(o *origin) bool { return o.src.Dataset == departure.Files })
	files, notes := s.origins[i].src, s.origins[1-i].src
	var held source.Item
	for item, err := range s.origins[i].list(t.Context(), nil) {
		must(t, err)
		held = item
	}
	other := held
	other.ID, other.Rev = "two", "new"
	failure := func(it source.Item) ledger.Failure {
		return ledger.Failure{Key: it.Key, Name: it.ID, Rev: it.Rev, Reason: source.Unreadable, Detail: "input/output error"}
	}
	for what, c := range map[string]struct {
		r            copy.Rehashed
		files, notes string
	}{
		"all read":                     {},
		"one that is in the copy":      {copy.Rehashed{Failed: 1, Failures: []ledger.Failure{failure(held)}}, "not-read", ""},
		"one that never was":           {copy.Rehashed{Failed: 1, Failures: []ledger.Failure{failure(other)}}, "", ""},
		"more than are named":          {copy.Rehashed{Failed: 2, Failures: []ledger.Failure{failure(other)}}, "not-read", "not-read"},
		"one source not to its end":    {copy.Rehashed{Incomplete: []*source.Incomplete{{Ref: held.Ref, Err: io.ErrUnexpectedEOF}}}, "not-listed", ""},
		"nobody knows which was ended": {copy.Rehashed{Incomplete: []*source.Incomplete{{Err: io.ErrUnexpectedEOF}}}, "not-listed", "not-listed"},
	} {
		t.Run(what, func(t *testing.T) {
			got := s.unreadOf(s.origins, l, &c.r)
			if got[files.ID].Code != c.files || got[notes.ID].Code != c.notes {
				t.Errorf("%+v, want files %q, notes %q", got, c.files, c.notes)
			}
		})
	}
}

func (d *desk) seal() engine.SealResult {
	d.t.Helper()
	res, err := d.Seal(d.t.Context(), d.job, quiet)
	must(d.t, err)
	return res
}

// sweep sweeps once the watch covers this device.
func (d *desk) sweep() (moved []engine.Moved) {
	d.t.Helper()
	eventually(d.t, "a sweep under a watch", func() (watched bool) {
		var err error
		if moved, err = d.Sweep(d.t.Context(), d.job); !errors.Is(err, errUnwatched) {
			must(d.t, err)
			return true
		}
		return false
	})
	return moved
}
