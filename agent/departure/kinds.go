package departure

import (
	"slices"
	"strings"
)

// SeenKind is a kind of data that the account was seen to hold, on this device or
// at the server, and that nothing here copies: mail, an app of the server.
type SeenKind struct {
	ID   string `json:"id"`   // lower case, stable: "mail", "app-deck"
	Name string `json:"name"` // as a person calls it
}

// NotCovered is the list of what the provider holds and nobody here can copy, by
// name: what the catalogue says, and what was seen beyond that.
func (p Profile) NotCovered(seen []SeenKind) []Line {
	lines := slices.Clone(p.Uncovered)
	for _, k := range seen {
		if slices.ContainsFunc(p.Uncovered, func(l Line) bool { return l.ID == k.ID }) {
			continue
		}
		lines = append(lines, Line{ID: "seen-" + k.ID,
			Text: k.Name + ": the account has it, it cannot be copied from here, and what deletion does to it is not known."})
	}
	return lines
}

// RememberKinds adds what was seen now to what was seen before, in order: what
// was seen once stays on the list, for a server that is silent now has it still.
func RememberKinds(before, now []SeenKind) []SeenKind {
	all := slices.Clone(before)
	for _, k := range now {
		has := func(id string) bool { return slices.ContainsFunc(all, func(b SeenKind) bool { return b.ID == id }) }
		switch {
		case k.ID == "" || has(k.ID):
		case len(all) < maxKinds:
			all = append(all, k)
		case !has(MoreKinds.ID):
			all = append(all, MoreKinds)
		}
	}
	slices.SortFunc(all, func(a, b SeenKind) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// MoreKinds stands for those beyond what a list can hold.
var MoreKinds = SeenKind{ID: "and-more", Name: "More kinds of data than can be listed here"}

// maxKinds bounds what a server can put on the list.
const maxKinds = 200
