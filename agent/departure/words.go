package departure

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Dataset is a kind of data that a person would miss.
type Dataset string

// The datasets, in the order in which a person is told of them.
const (
	Photos    Dataset = "photos"
	Contacts  Dataset = "contacts"
	Notes     Dataset = "notes"
	Calendars Dataset = "calendars"
	Files     Dataset = "files"
)

// Datasets lists every dataset in the order of the check table.
var Datasets = []Dataset{Photos, Contacts, Notes, Calendars, Files}

// Known reports whether d is a dataset of the domain.
func (d Dataset) Known() bool {
	for _, k := range Datasets {
		if d == k {
			return true
		}
	}
	return false
}

// Fate says what the deletion of the account does to a source.
type Fate string

// The fates. The zero value is none of them and counts as [Lost].
const (
	Lost   Fate = "lost"   // only the provider has it
	Leaves Fate = "leaves" // a synced copy that goes with the sign-out
	Stays  Fate = "stays"  // this device's own
)

// Intent is the end a departure goes for.
type Intent string

// The intents.
const (
	SignOut Intent = "sign-out" // the account lives on elsewhere
	Switch  Intent = "switch"   // sign-out, and the next account is signed in
	Delete  Intent = "delete"   // the account is deleted for good
)

// Known reports whether i is an intent of the domain.
func (i Intent) Known() bool { return i == SignOut || i == Switch || i == Delete }

// Needs says what a deletion path asks for.
type Needs string

// What a deletion path may need.
const (
	SignedInHere Needs = "signed-in-here" // the account is deleted from this device, still signed in
	Web          Needs = "web"            // the account is deleted on a web page
	AskAdmin     Needs = "ask-admin"      // an administrator deletes the account
)

// DeviceFate is what becomes of this device after the departure.
type DeviceFate string

// The device fates.
const (
	KeptDevice     DeviceFate = "kept"
	WipedDevice    DeviceFate = "wiped"
	ReturnedDevice DeviceFate = "returned"
)

// Known reports whether f is a device fate of the domain.
func (f DeviceFate) Known() bool { return f == KeptDevice || f == WipedDevice || f == ReturnedDevice }

// Step is a durable part of a departure.
type Step string

// The steps, in the order in which a person meets them.
const (
	StepInventory    Step = "inventory"
	StepBackup       Step = "backup"
	StepVerify       Step = "verify"
	StepKeep         Step = "keep"
	StepAcknowledge  Step = "acknowledge"
	StepAuthorize    Step = "authorize"
	StepSeal         Step = "seal"
	StepFindMyDevice Step = "find-my-device"
	StepUnbind       Step = "unbind"
	StepRecheck      Step = "recheck"
	StepPermit       Step = "permit"
	StepTrack        Step = "track"
)

// Steps lists every step in order.
var Steps = []Step{
	StepInventory, StepBackup, StepVerify, StepKeep, StepAcknowledge, StepAuthorize,
	StepSeal, StepFindMyDevice, StepUnbind, StepRecheck, StepPermit, StepTrack,
}

// Order is the position of s in [Steps], or -1 for a step that is not known.
func (s Step) Order() int {
	for i, k := range Steps {
		if s == k {
			return i
		}
	}
	return -1
}

// Account is one identity at a provider.
type Account struct {
	// ID is stable for (Provider, Identity): see [AccountID].
	ID       string `json:"id"`
	Provider string `json:"provider"` // id in the catalogue
	// Identity is the account's name at the provider in canonical form,
	// for a server of one's own with the host: "alice@cloud.example".
	Identity string `json:"identity"`
	Name     string `json:"name"`     // as shown to a person
	Declared bool   `json:"declared"` // named by the person; nothing of it is on this device
}

// AccountID derives the stable id of an account from its provider and its
// canonical identity.
func AccountID(provider, identity string) string {
	return string(DigestOf("account", provider, identity))[:16]
}

// SourceID names one source for as long as it exists.
type SourceID string

// Source is a place that holds items of one dataset.
type Source struct {
	ID        SourceID `json:"id"`
	Dataset   Dataset  `json:"dataset"`
	Fate      Fate     `json:"fate"`
	Remote    bool     `json:"remote"`     // its origin is a server
	OfAccount bool     `json:"of_account"` // it belongs to the account that is left
	Given     bool     `json:"given"`      // a folder or file that the person named
	Trash     bool     `json:"trash"`      // what the platform kept of a removed source
	TrashOf   SourceID `json:"trash_of,omitempty"`
	// SharedBy is the person whose it is, as shown; "" is the account's own. What
	// others share stays theirs when the account goes: it is shown with its count
	// and counts for nothing, unless it was asked for.
	SharedBy string `json:"shared_by,omitempty"`
	Name     string `json:"name"` // as shown to a person
}

// Digest is a SHA-256 in lower-case hex; empty means that there is none.
type Digest string

// DigestOf is the digest of the JSON encoding of parts. JSON sorts the keys of
// maps, so equal values have equal digests. It panics on a value that JSON
// cannot hold, which is a fault of the program, not of its input.
func DigestOf(parts ...any) Digest {
	b, err := json.Marshal(parts)
	if err != nil {
		panic("departure: cannot take the digest of a value: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return Digest(hex.EncodeToString(sum[:]))
}

// Reason says why something is as it is: a stable code for programs, a
// sentence for a person.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Remedy is the one thing to do next.
type Remedy struct {
	Code    string `json:"code"`
	Text    string `json:"text"`
	Command string `json:"command,omitempty"` // a command line that does it
}

// Effect names one irreversible act: [FindMyEffect] or [UnbindEffect].
type Effect string

const (
	findMyPrefix = "find-my-device:"
	unbindPrefix = "unbind:"
)

// FindMyEffect is the act of turning Find My Device off at one implementer,
// known by its name on the bus.
func FindMyEffect(implementer string) Effect { return Effect(findMyPrefix + implementer) }

// UnbindEffect is the act of removing one binding, known by its exact id.
func UnbindEffect(binding string) Effect { return Effect(unbindPrefix + binding) }

// Implementer is the bus name in a find-my-device effect.
func (e Effect) Implementer() (name string, ok bool) { return cut(e, findMyPrefix) }

// Binding is the binding's id in an unbind effect.
func (e Effect) Binding() (id string, ok bool) { return cut(e, unbindPrefix) }

func cut(e Effect, prefix string) (string, bool) {
	if len(e) > len(prefix) && string(e[:len(prefix)]) == prefix {
		return string(e[len(prefix):]), true
	}
	return "", false
}

// WordKind is what a person's word does.
type WordKind string

// The kinds of words.
const (
	Acknowledge WordKind = "acknowledge" // I have seen this list
	Attest      WordKind = "attest"      // I counted this, declared accounts and linked devices only
	Accept      WordKind = "accept"      // these failures, this drop, this place: by name
	Decline     WordKind = "decline"     // I do not want this (keep)
	Waive       WordKind = "waive"       // policy lets me pass this check
)

// Word is something that a person said about one check.
type Word struct {
	Check CheckID  `json:"check"`
	Kind  WordKind `json:"kind"`
	// Subject narrows the word: a source, a device, a dataset; often empty.
	Subject string `json:"subject,omitempty"`
	// List is the digest of the list that the person was shown.
	List      Digest    `json:"list"`
	Statement string    `json:"statement"`
	Count     int64     `json:"count,omitempty"` // what an attestation counted
	At        time.Time `json:"at"`
	By        string    `json:"by"`
}

// Digest identifies the word in an authorisation. The time is left out: the
// same word said twice is one word.
func (w Word) Digest() Digest {
	return DigestOf(w.Check, w.Kind, w.Subject, w.List, w.Statement, w.Count)
}

// WordsDigest is the digest of every word that an owner was shown, in order of
// their own digests.
func WordsDigest(words []Word) Digest {
	set := make(map[Digest]bool, len(words))
	for _, w := range words {
		set[w.Digest()] = true
	}
	return DigestOf("words", set)
}

// GrantLife is how long a grant may be used after it begins.
const GrantLife = 24 * time.Hour

// Authorisation is the owner's leave: fresh proof of who they are, with the
// words and the effects that they were shown.
type Authorisation struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	From    time.Time `json:"from"`  // end of the delay; At where there is none
	Words   []Digest  `json:"words"` // digests of the words that count
	Effects []Effect  `json:"effects"`
}

// Carries reports whether the authorisation makes w count.
func (a *Authorisation) Carries(w Word) bool {
	if a == nil {
		return false
	}
	d := w.Digest()
	for _, k := range a.Words {
		if k == d {
			return true
		}
	}
	return false
}

// Grant is the leave for one irreversible effect, used up by it.
type Grant struct {
	ID            string    `json:"id"`
	Authorisation string    `json:"authorisation"`
	Effect        Effect    `json:"effect"`
	From          time.Time `json:"from"`
	UsedAt        time.Time `json:"used_at,omitzero"`
	VoidAt        time.Time `json:"void_at,omitzero"`
	VoidWhy       string    `json:"void_why,omitempty"`
}

// Usable reports whether the grant may be used at now.
func (g Grant) Usable(now time.Time) bool {
	return g.UsedAt.IsZero() && g.VoidAt.IsZero() && !now.Before(g.From) && now.Before(g.From.Add(GrantLife))
}

// ActState is how far an irreversible act came.
type ActState string

// The states of an act.
const (
	ActIntended    ActState = "intended"    // the intent row is durable, the rest is not known
	ActDone        ActState = "done"        // read back: it holds
	ActInterrupted ActState = "interrupted" // read back: nothing was changed
)

// Act is one irreversible act: the intent row, and after the read-back its end.
type Act struct {
	Grant  string    `json:"grant"`
	Effect Effect    `json:"effect"`
	State  ActState  `json:"state"`
	At     time.Time `json:"at"`
	EndAt  time.Time `json:"end_at,omitzero"`
	Why    string    `json:"why,omitempty"`
}
