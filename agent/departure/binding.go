package departure

import "time"

// BindingState is what a look found of one binding.
type BindingState string

// The states of a binding. The zero value is not known.
const (
	BindingPresent  BindingState = "present"
	BindingLeftover BindingState = "leftover" // removed, but something of it is still here
	BindingGone     BindingState = "gone"
)

// ByHand is the code of the remedy of a sign-in that only the person can remove.
const ByHand = "by-hand"

// Binding is one place on this device where the account is registered.
type Binding struct {
	ID      string       `json:"id"`   // exact, new at every sign-in
	Kind    string       `json:"kind"` // of the place where it stands: "goa"
	Name    string       `json:"name"`
	State   BindingState `json:"state"`
	Why     Reason       `json:"why"`               // for leftover and not known
	Blocked *Remedy      `json:"blocked,omitempty"` // it cannot be removed until this is done
	// Guided: only the person can remove it, and Blocked says how. It is never
	// an effect of ours, and is read back like any other.
	Guided bool `json:"guided,omitempty"`
	// Carries: sources of the account come and go with it. One that is a bare
	// credential brings nothing, and its end lets no source be absent.
	Carries bool        `json:"carries,omitempty"`
	Goes    []Vanishing `json:"goes,omitempty"` // what vanishes from this device with it
	// Unread is the digest of a list of sign-ins as it is now that nobody but the
	// person can read; empty for a sign-in itself. Blocked says how they read it.
	Unread Digest `json:"unread,omitempty"`
}

// Yours reports whether the account is, or may be, signed in there and only the
// person can remove it, in the way that Blocked says.
func (b Binding) Yours() bool {
	return (b.State == BindingPresent || b.State == "") && b.Blocked != nil && b.Blocked.Code == ByHand
}

// Vanishing is one thing that goes from this device with a binding.
type Vanishing struct {
	What  string `json:"what"`  // "address book", "mail account"
	Name  string `json:"name"`  // as shown to a person
	Items int64  `json:"items"` // -1: not known
}

// Hint is a place on this device that knows the account and holds nothing that
// would be lost: it is told to the person, with the one thing to do by hand, and
// blocks nothing.
type Hint struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Text   string `json:"text"`
	Remedy Remedy `json:"remedy"`
}

// OtherHolder is another account bound on this device.
type OtherHolder struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

// KnownBinding is a binding that was once seen, and what became of it.
type KnownBinding struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Carries is as in [Binding].
	Carries bool `json:"carries,omitempty"`
	// GoneAt is when it was first found gone; zero while it is there.
	GoneAt time.Time `json:"gone_at,omitzero"`
	ByUs   bool      `json:"by_us"` // gone through an act of ours
	// CameBack: it appeared after the account had been signed out here.
	CameBack bool `json:"came_back"`
}
