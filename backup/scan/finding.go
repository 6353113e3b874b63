package scan

import (
	"fmt"
	"strconv"
)

// Kind says what was found that is not a regular file to copy.
type Kind string

// The kinds of findings. Those of [Kind.Hides] make a listing incomplete.
const (
	FIFO        Kind = "fifo"
	Socket      Kind = "socket"
	Device      Kind = "device"
	LinkInside  Kind = "link-inside"  // a link to something beneath the same root: that is listed itself
	LinkOutside Kind = "link-outside" // a link that leaves the source; Target is where it leads
	LinkBroken  Kind = "link-broken"  // a link to nothing, or one that cannot be followed
	Unreadable  Kind = "unreadable"   // a file that this user may not read; it is listed as an entry too
	OwnBag      Kind = "own-bag"      // a folder that carries one of the bag ids given
	Unlistable  Kind = "unlistable"   // a folder that could not be listed in full
	Unknown     Kind = "unknown"      // a name of which the system would not say what it is
	TooDeep     Kind = "too-deep"     // a folder below the depth that is walked
	Kernel      Kind = "kernel"       // a folder in which the kernel shows itself, as /proc: there are no files in it
)

// Hides reports whether a finding of this kind can hide files from the listing.
func (k Kind) Hides() bool { return k == Unlistable || k == Unknown || k == TooDeep }

// Finding is one thing beneath the root that is not simply a file.
type Finding struct {
	Path   string // relative to the root, raw bytes; "." is the root itself
	Kind   Kind
	Target string // of links: what the link says, raw bytes
	Real   string // of LinkOutside: the absolute path it leads to
	Err    error  // why, where the system refused
}

func (f Finding) String() string {
	s := string(f.Kind) + " " + strconv.Quote(f.Path)
	if f.Target != "" {
		s += " -> " + strconv.Quote(f.Target)
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

// IncompleteError says that a listing may lack files.
type IncompleteError struct {
	Root  string
	Count int     // how many findings hide something
	First Finding // the first of them
}

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("cannot list %q in full: %d places could not be looked at, the first: %v", e.Root, e.Count, e.First)
}

// Unwrap gives the cause of the first place that could not be looked at.
func (e *IncompleteError) Unwrap() error { return e.First.Err }
