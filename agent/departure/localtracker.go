package departure

import (
	"slices"
	"strings"
)

// LocalTracker is a program on this device that can find or lock it, or merely
// deals with where it is. It is told to the person and never touched.
type LocalTracker struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Text string `json:"text"` // what it does
	// Provider is whose account it ties this device to; empty for a program that
	// ties it to none and is information.
	Provider string `json:"provider,omitempty"`
	// Found is by what it was recognised: "service prey-agent.service, enabled".
	Found []string `json:"found,omitempty"`
	// Unsure says why it cannot be told whether it is here.
	Unsure string `json:"unsure,omitempty"`
	// Guide is how a person unlinks it.
	Guide []string `json:"guide,omitempty"`
}

// TiesTo reports whether the program ties this device to accounts of a provider.
func (t LocalTracker) TiesTo(provider string) bool {
	return t.Provider != "" && strings.EqualFold(t.Provider, provider)
}

// Line is the program as a line that a person answers for.
func (t LocalTracker) Line() Line {
	text := t.Name + " is on this device"
	switch {
	case len(t.Found) > 0:
		text += " (" + strings.Join(t.Found, ", ") + ")"
	case t.Unsure != "":
		text = "Whether " + t.Name + " is on this device is not known (" + t.Unsure + ")"
	}
	if len(t.Guide) > 0 {
		text += ". " + strings.Join(t.Guide, " ")
	}
	return Line{ID: t.ID, Text: text}
}

// TiedHere are the programs on this device that tie it to accounts of a provider.
func (ts Trackers) TiedHere(provider string) []LocalTracker {
	return slices.DeleteFunc(slices.Clone(ts.Here), func(t LocalTracker) bool { return !t.TiesTo(provider) })
}
