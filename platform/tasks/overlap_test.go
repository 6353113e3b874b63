package tasks

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// TestNestedSources: what was given already is not given a second time, by
// another name or around it: a person's count would be met by half.
func TestNestedSources(t *testing.T) {
	d := newDesk(t)
	outer := d.folder("outer", map[string]string{"all.vcf": "", "more.vcf": ""})
	inner := d.folder("outer/inner", nil)
	apart := d.folder("apart", nil)
	link := filepath.Join(d.session.Root, "link")
	must(t, os.Symlink(inner, link))
	for name, c := range map[string]struct {
		first, second string
		dataset       departure.Dataset
		nested        bool
	}{
		"below":                   {outer, inner, departure.Contacts, true},
		"around":                  {inner, outer, departure.Contacts, true},
		"behind a link":           {outer, link, departure.Contacts, true},
		"a link, and what it is":  {link, inner, departure.Contacts, true},
		"a file in it":            {outer, filepath.Join(outer, "all.vcf"), departure.Contacts, true},
		"around a file":           {filepath.Join(outer, "all.vcf"), outer, departure.Contacts, true},
		"two files of one folder": {filepath.Join(outer, "all.vcf"), filepath.Join(outer, "more.vcf"), departure.Contacts, false},
		"a folder of its own":     {outer, apart, departure.Contacts, false},
		"of another dataset":      {outer, inner, departure.Photos, false},
	} {
		t.Run(name, func(t *testing.T) { d.nested(t, c.first, c.second, c.dataset, c.nested) })
	}
}

// TestNestedByMount: a second mount of a folder is the same folder, beside it,
// around it or below it.
func TestNestedByMount(t *testing.T) {
	d := newDesk(t)
	outer := d.folder("outer", nil)
	inner := d.folder("outer/inner", nil)
	bound, around := d.folder("bound", nil), d.folder("around", nil)
	below := d.folder("around/below", nil)
	d.bind(outer, bound)
	d.bind(inner, below)
	for name, pair := range map[string][2]string{
		"the same folder":     {outer, bound},
		"below the mount":     {outer, filepath.Join(bound, "inner")},
		"mounted below":       {inner, around},
		"mounted below, then": {around, inner},
		"its parent":          {around, outer},
	} {
		t.Run(name, func(t *testing.T) { d.nested(t, pair[0], pair[1], departure.Contacts, true) })
	}
}

// nested gives two sources, the second as a source of another dataset perhaps.
func (d *desk) nested(t *testing.T, first, second string, dataset departure.Dataset, want bool) {
	t.Helper()
	g, err := d.InspectSource(t.Context(), departure.Contacts, first, nil)
	must(t, err)
	_, err = d.InspectSource(t.Context(), dataset, second, []engine.GivenSource{g})
	var refused *engine.RefusedError
	if errors.As(err, &refused) != want || (!want && err != nil) || (want && !strings.Contains(err.Error(), "count twice")) {
		t.Errorf("%s and %s: %v, want a refusal: %v", first, second, err, want)
	}
}

// bind shows a folder at another place too.
func (d *desk) bind(what, at string) {
	d.t.Helper()
	must(d.t, hand(d.t, "bind", what, at))
	d.t.Cleanup(func() { must(d.t, hand(d.t, "detach", at)) })
}
