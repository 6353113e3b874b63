package agent

import (
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// Caller is who asks, as the transport established it. The zero value is
// nobody: Known is false, and nothing is answered.
type Caller struct {
	UID   uint32
	Known bool
}

// Kind is the stable kind of an error, the same on every transport.
type Kind string

// The kinds of errors.
const (
	KindNotReady            Kind = "not-ready"
	KindNotAuthorized       Kind = "not-authorized"
	KindGrantRequired       Kind = "grant-required"
	KindDelayPending        Kind = "delay-pending"
	KindStale               Kind = "stale"
	KindProviderUnreachable Kind = "provider-unreachable"
	KindPolicyInvalid       Kind = "policy-invalid"
	KindBusy                Kind = "busy"
	KindUnavailable         Kind = "unavailable"
	KindNotFound            Kind = "not-found"
	KindInvalid             Kind = "invalid"
	KindInternal            Kind = "internal"
)

// Error is a refusal: its kind for programs, one sentence for a person, and
// where there is one, what to do next.
type Error struct {
	Kind   Kind              `json:"kind"`
	Text   string            `json:"text"`
	Remedy *departure.Remedy `json:"remedy,omitempty"`
	// Checks are the lines that stand in the way, for not-ready.
	Checks departure.Checks `json:"checks,omitempty"`
}

func (e *Error) Error() string { return e.Text }

// AccountInfo is an account with the departure that is open for it.
type AccountInfo struct {
	departure.Account
	ProviderName string `json:"provider_name"`
	Departure    string `json:"departure,omitempty"` // id of the open one
	// Given are the sources that the person named for it.
	Given []engine.GivenSource `json:"given,omitempty"`
}

// AccountList are the accounts of this device, and those that the person named.
type AccountList struct {
	Accounts []AccountInfo `json:"accounts"`
	// More says why there may be others on this device; "": there are none.
	More string `json:"more,omitempty"`
}

// ProviderInfo is a profile of the catalogue, for a person.
type ProviderInfo struct {
	ID    string     `json:"id"`
	Name  string     `json:"name"`
	Known bool       `json:"known"` // a full profile
	Paths []PathInfo `json:"paths"`
	Facts []FactInfo `json:"facts,omitempty"`
	// Replaced: whoever runs this device wrote the profile.
	Replaced bool `json:"replaced,omitempty"`
	// Broken says why what they wrote cannot be used; the built-in profile is
	// shown, and no account of the provider can be left anew.
	Broken string `json:"broken,omitempty"`
}

// PathInfo is one way to delete an account.
type PathInfo struct {
	ID    string          `json:"id"`
	Title string          `json:"title"`
	Where string          `json:"where"`
	Needs departure.Needs `json:"needs"`
}

// FactInfo is a fact of the catalogue with where it comes from.
type FactInfo struct {
	Text       string `json:"text"`
	Source     string `json:"source"`
	Confidence string `json:"confidence"` // H, M or L
}

// DoctorReport is the state of the agent's own parts.
type DoctorReport struct {
	Healthy bool          `json:"healthy"`
	Parts   []DoctorEntry `json:"parts"`
}

// DoctorEntry is one part of the agent.
type DoctorEntry struct {
	Name   string            `json:"name"`
	OK     bool              `json:"ok"`
	Text   string            `json:"text"`
	Remedy *departure.Remedy `json:"remedy,omitempty"`
}

// PlanReport says what would be lost if the account were deleted now.
type PlanReport struct {
	Account  departure.Account `json:"account"`
	At       time.Time         `json:"at"`
	Complete bool              `json:"complete"` // every source could be listed
	// Unseen is why there may be sources and sign-ins that nobody found; of one that
	// was found and could not be listed, its listing says why.
	Unseen  string      `json:"unseen,omitempty"`
	Classes []PlanClass `json:"classes"`
	// Uncovered is what the provider holds that cannot be copied.
	Uncovered []departure.Line `json:"uncovered"`
	// CopyOnly are the sources that leave this device and are in the copy alone
	// afterwards, see [departure.Kept].
	CopyOnly []departure.SourceID `json:"copy_only,omitempty"`
	// Bindings is where the account is signed in here, and what goes with it.
	Bindings []departure.Binding `json:"bindings"`
	// Hints are places here that know the account and hold nothing of it.
	Hints    []departure.Hint    `json:"hints,omitempty"`
	Trackers []departure.Tracker `json:"trackers"`
	// TrackersHere are programs of this device that can find it.
	TrackersHere []departure.LocalTracker `json:"trackers_here,omitempty"`
	// Replaced: whoever runs this device wrote what is known of the provider, or
	// wrote something that cannot be used: then Broken says why.
	Replaced bool   `json:"replaced,omitempty"`
	Broken   string `json:"broken,omitempty"`
	// Kinds are the kinds of data of the profile, each with how it stands, and
	// those that were seen beyond it.
	Kinds []PlanKind `json:"kinds"`
}

// PlanClass is one dataset of a plan.
type PlanClass struct {
	Dataset departure.Dataset   `json:"dataset"`
	Sources []departure.Listing `json:"sources"`
	// Items and Bytes that are lost or leave the device; OnlyCloud of these
	// are nowhere else.
	Items          int64 `json:"items"`
	Bytes          int64 `json:"bytes"`
	OnlyCloud      int64 `json:"only_cloud"`
	OnlyCloudBytes int64 `json:"only_cloud_bytes"`
	InCopy         int64 `json:"in_copy"` // of these, in the copy already
	Complete       bool  `json:"complete"`
	// Asked: it was listed at the provider, or given from there.
	Asked bool `json:"asked"`
}

// StartRequest opens a departure.
type StartRequest struct {
	Account string               `json:"account"`
	Intent  departure.Intent     `json:"intent"`
	Path    string               `json:"path,omitempty"` // id of the deletion path; empty takes the profile's first
	Fate    departure.DeviceFate `json:"fate,omitempty"` // empty is kept
	Extra   []departure.Dataset  `json:"extra,omitempty"`
	// Shared asks for what other people share with the account, too. It can be
	// asked for later, by starting the same again.
	Shared bool `json:"shared,omitempty"`
}

// Live is what a person sees of readiness at this moment.
type Live string

// The live states.
const (
	LiveChecking Live = "checking"  // a look is under way, the last answer no longer stands
	LiveNotReady Live = "not-ready" // see the checks
	LiveReady    Live = "ready"     // deletion is allowed, until Verdict.Until
	LiveStop     Live = "stop"      // it was ready, and something changed: do not delete
	LiveBlind    Live = "blind"     // the agent cannot look
	LiveClosed   Live = "closed"
)

// DepartureInfo is a departure as a person or a program sees it.
type DepartureInfo struct {
	Departure    departure.Departure `json:"departure"`
	State        engine.State        `json:"state"`
	ProviderName string              `json:"provider_name"`
	Path         *PathInfo           `json:"path,omitempty"`
	Step         departure.Step      `json:"step"` // the first step that does not hold
	Until        departure.Step      `json:"until"`
	Running      bool                `json:"running"`
	Live         Live                `json:"live"`
	Verdict      departure.Verdict   `json:"verdict"`
	Progress     engine.Progress     `json:"progress"`
	// Waiting says what the engine waits for, nil while it needs nothing.
	Waiting     *departure.Remedy   `json:"waiting,omitempty"`
	WaitingWhy  string              `json:"waiting_why,omitempty"`
	Destination engine.Destination  `json:"destination"`
	Copy        departure.Copy      `json:"copy"`
	Bindings    []departure.Binding `json:"bindings"`
	Trackers    []departure.Tracker `json:"trackers"`
	// TrackersHere are programs of this device that can find it.
	TrackersHere []departure.LocalTracker `json:"trackers_here,omitempty"`
	// Kinds are those seen beyond what the profile names, and copied by nobody.
	Kinds       []departure.SeenKind     `json:"kinds,omitempty"`
	Devices     []departure.Device       `json:"devices"`
	Words       []departure.Word         `json:"words"`
	WordsDigest departure.Digest         `json:"words_digest"` // of every word that Authorize would carry
	Authorised  *departure.Authorisation `json:"authorised,omitempty"`
	Acts        []departure.Act          `json:"acts"`
	Reached     []engine.Reached         `json:"reached"`
	Permits     []PermitInfo             `json:"permits"`
	Submitted   time.Time                `json:"submitted,omitzero"`
	Epoch       uint64                   `json:"epoch"`
	Given       []engine.GivenSource     `json:"given"`
	Listings    []departure.Listing      `json:"listings"`
	Kept        departure.Kept           `json:"kept"`
	Separate    []departure.OtherHolder  `json:"separate"`

	// encoded is this very value as JSON, nil where nobody keeps it. A copy that
	// is changed must not keep it.
	encoded func() ([]byte, error)
}

// WordRequest is something a person says about a check.
type WordRequest struct {
	Check     departure.CheckID  `json:"check"`
	Kind      departure.WordKind `json:"kind"`
	Subject   string             `json:"subject,omitempty"`
	List      departure.Digest   `json:"list"` // digest of the list that was shown
	Statement string             `json:"statement"`
	Count     int64              `json:"count,omitempty"`
}

// AuthorizeRequest is the owner's leave.
type AuthorizeRequest struct {
	Effects []departure.Effect `json:"effects"`
	// Proof is the account's password, for the implementer of Find My Device.
	// It is never stored.
	Proof string           `json:"proof"`
	Words departure.Digest `json:"words"` // DepartureInfo.WordsDigest as shown
}

// PermitInfo is a permit; Token is there only in the answer to its request.
type PermitInfo struct {
	ID       string    `json:"id"`
	Audience string    `json:"audience"`
	Issued   time.Time `json:"issued"`
	Expires  time.Time `json:"expires"`
	Token    string    `json:"token,omitempty"`
	Revoked  string    `json:"revoked,omitempty"` // why it no longer counts
	Redeemed time.Time `json:"redeemed,omitzero"`
}

// ReceiptInfo is the proof that a permit was redeemed.
type ReceiptInfo struct {
	Permit string    `json:"permit"`
	Token  string    `json:"token"`
	At     time.Time `json:"at"`
}

// JobState is how far a job is.
type JobState string

// The states of a job.
const (
	JobRunning   JobState = "running"
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// JobInfo is long work that can be read again after a lost connection. One of
// the results is set when it is done.
type JobInfo struct {
	ID       string          `json:"id"`
	Kind     string          `json:"kind"` // plan, run, permit, redeem, restore, eject
	State    JobState        `json:"state"`
	Progress engine.Progress `json:"progress"`
	Error    *Error          `json:"error,omitempty"`

	Plan      *PlanReport    `json:"plan,omitempty"`
	Departure *DepartureInfo `json:"departure,omitempty"`
	Permit    *PermitInfo    `json:"permit,omitempty"`
	Receipt   *ReceiptInfo   `json:"receipt,omitempty"`
	Restore   *RestoreReport `json:"restore,omitempty"`
	Ejected   *Ejected       `json:"ejected,omitempty"`
}

// Page asks for a part of a list.
type Page struct {
	After string `json:"after,omitempty"`
	Limit int    `json:"limit,omitempty"` // at most 1,000; 0 is 100
}

// DeparturePage is one page of departures; Next is empty on the last.
type DeparturePage struct {
	Departures []DepartureInfo `json:"departures"`
	Next       string          `json:"next,omitempty"`
}

// Update is one message of a watch: a snapshot first, then one after each
// change.
type Update struct {
	Departure *DepartureInfo `json:"departure,omitempty"`
	// Lagged ends the stream: the reader was too slow and takes a new snapshot.
	Lagged bool `json:"lagged,omitempty"`
}
