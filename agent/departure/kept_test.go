package departure

import (
	"fmt"
	"strings"
	"testing"
)

// TestOnlyInTheCopy: whatever becomes of step 4, it is said which books of other
// programs are in the copy alone, with how many items.
func TestOnlyInTheCopy(t *testing.T) {
	const said = "; only in your copy afterwards: 20 contacts of Work (Thunderbird)"
	for name, change := range map[string]func(*input){
		"nothing to keep": func(*input) {},
		"kept":            func(in *input) { in.f.Look.Kept.Needed, in.f.Look.Kept.Present = 20, 20 },
		"not kept yet":    func(in *input) { in.f.Look.Kept.Needed = 20 },
		"declined":        func(in *input) { in.f.Look.Kept.Needed = 20; in.answer(KeptHere, Decline, 0) },
	} {
		in := done()
		anotherBook(&in)
		change(&in)
		c, _ := in.evaluate().Checks.Get(KeptHere)
		if !strings.HasSuffix(c.Reason.Text, said) {
			t.Errorf("%s: %s", name, c.Reason.Text)
		}
		if c.Ask != nil && !strings.HasSuffix(c.Ask.Lines[0].Text, said) {
			t.Errorf("%s: asked is %+v", name, c.Ask.Lines)
		}
	}

	in := done()
	anotherBook(&in)
	for i := range 5 {
		l := listed(Source{ID: SourceID(fmt.Sprint("tb", i)), Dataset: Contacts, Fate: Leaves, Name: fmt.Sprint("Book ", i)})
		in.f.Look.Listings = append(in.f.Look.Listings, l)
		in.f.Look.Kept.CopyOnly = append(in.f.Look.Kept.CopyOnly, l.Source.ID)
	}
	if c, _ := in.evaluate().Checks.Get(KeptHere); !strings.HasSuffix(c.Reason.Text, "20 contacts of Book 1, 3 more") {
		t.Errorf("of many: %s", c.Reason.Text)
	}
	in.listing("tb").Complete = false
	if c, _ := in.evaluate().Checks.Get(KeptHere); strings.Contains(c.Reason.Text, "Work") {
		t.Errorf("what was not listed is said to be in the copy: %s", c.Reason.Text)
	}
}
