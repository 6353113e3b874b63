package binding

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clearance-project/clearance/agent/departure"
)

// maxShown bounds a text of an entry, in bytes: a server or another program wrote
// what stands in it.
const maxShown = 1000

// Shown is the entry with every text as a person may see it: printable, on one
// line, and not endless.
func (e Entry) Shown() Entry {
	e.Name, e.Account, e.Busy, e.Why.Text = shown(e.Name), shown(e.Account), shown(e.Busy), shown(e.Why.Text)
	if e.Blocked != nil {
		r := remedy(*e.Blocked)
		e.Blocked = &r
	}
	e.Goes = slices.Clone(e.Goes)
	for i := range e.Goes {
		e.Goes[i].What, e.Goes[i].Name = shown(e.Goes[i].What), shown(e.Goes[i].Name)
	}
	return e
}

// Shown is as [Entry.Shown].
func (h Hint) Shown() Hint {
	h.Hint.Name, h.Hint.Text, h.Hint.Remedy = shown(h.Hint.Name), shown(h.Hint.Text), remedy(h.Hint.Remedy)
	return h
}

// remedy leaves out a command that a person could not see as a whole.
func remedy(r departure.Remedy) departure.Remedy {
	r.Text = shown(r.Text)
	if shown(r.Command) != r.Command {
		r.Command = ""
	}
	return r
}

func shown(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	for len(text) > maxShown {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	return text
}
