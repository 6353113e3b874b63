package engine

import (
	"context"
	"errors"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
)

// Record is everything durable about one departure: what was said, granted,
// done and seen. It is saved as a whole, in one transaction with its events.
type Record struct {
	// Version is raised by each save; a save of an older version is refused.
	Version   int64
	Departure departure.Departure
	State     State
	Closed    time.Time
	// Until is the step up to which the person asked the engine to go.
	Until       departure.Step
	Destination Destination
	Given       []GivenSource

	Sources        []departure.KnownSource
	Bindings       []departure.KnownBinding
	Trackers       []string // bus names of implementers once seen
	Kinds          []departure.SeenKind
	Separate       []departure.OtherHolder
	Devices        []departure.Device
	Words          []departure.Word
	Authorisations []departure.Authorisation
	Grants         []departure.Grant
	Acts           []departure.Act
	Seal           *departure.Seal
	Ledger         departure.Digest
	Permits        []Permit
	Submitted      time.Time
	// Reached is when each step was last found to hold.
	Reached []Reached
}

// State says whether a departure is open.
type State string

// The states of a departure.
const (
	Open      State = "open"
	Finished  State = "finished"  // its own end was reached
	Cancelled State = "cancelled" // given up by the person; the copy stays
)

// Reached is a step's last evidence.
type Reached struct {
	Step   departure.Step   `json:"step"`
	At     time.Time        `json:"at"`
	Digest departure.Digest `json:"digest"`
	Why    string           `json:"why,omitempty"` // why it does not hold
}

// Permit is a permit that was issued, and what became of it.
type Permit struct {
	ID       string           `json:"id"` // jti
	Audience string           `json:"audience"`
	Nonce    string           `json:"nonce"`
	Basis    departure.Digest `json:"basis"`
	Issued   time.Time        `json:"issued"`
	Expires  time.Time        `json:"expires"`
	// Revoked: why it no longer counts; the first reason stands.
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
	RevokedWhy string    `json:"revoked_why,omitempty"`
	// Redeemed: burnt by one receipt, over the relying party's own nonce.
	RedeemedAt    time.Time `json:"redeemed_at,omitzero"`
	RedeemedNonce string    `json:"redeemed_nonce,omitempty"`
	Receipt       string    `json:"receipt,omitempty"` // compact JWS
	// ReceiptEpoch is the epoch of the look behind the receipt, good within
	// one run of the agent.
	ReceiptEpoch uint64 `json:"receipt_epoch,omitempty"`
}

// Live reports whether the permit could still be redeemed at now.
func (p Permit) Live(now time.Time) bool {
	return p.RevokedAt.IsZero() && p.RedeemedAt.IsZero() && now.Before(p.Expires)
}

// Event is one line of a departure's history. It holds no secret and no path.
type Event struct {
	Seq       uint64    `json:"seq"` // given by the store, rising
	At        time.Time `json:"at"`
	Departure string    `json:"departure"`
	Kind      string    `json:"kind"` // stable: "opened", "word", "authorised", "act.intended" ...
	Text      string    `json:"text"`
}

// Errors of a Store.
var (
	// ErrNotFound: there is no such departure.
	ErrNotFound = errors.New("no such leaving is known here")
	// ErrConflict: the record was saved by someone else in between.
	ErrConflict = errors.New("it changed in between: try again")
	// ErrAlreadyOpen: this account has an open departure on this device.
	ErrAlreadyOpen = errors.New("this account is already being left")
)

// Store keeps records. Each write is durable when it returns, and is there in
// full or not at all.
type Store interface {
	// Create saves a new record with version 1. At most one departure of an
	// account is open: else ErrAlreadyOpen.
	Create(ctx context.Context, rec *Record, events ...Event) error
	// Load reads one record, or ErrNotFound.
	Load(ctx context.Context, id string) (*Record, error)
	// Save replaces the record of rec.Version by rec and raises the version
	// in it, or ErrConflict.
	Save(ctx context.Context, rec *Record, events ...Event) error
	// List pages through the ids of the departures, newest first: up to limit
	// of those that follow after ("" for the first).
	List(ctx context.Context, after string, limit int) ([]string, error)
	// Events reads up to limit events with a higher sequence number.
	Events(ctx context.Context, after uint64, limit int) ([]Event, error)
	// Declare keeps an account that the person named; again is no error.
	Declare(ctx context.Context, account departure.Account) error
	// Declared lists the accounts that a person named.
	Declared(ctx context.Context) ([]departure.Account, error)
	// SetGiven replaces the sources given for an account.
	SetGiven(ctx context.Context, account string, given []GivenSource) error
	// Given lists the sources given for an account.
	Given(ctx context.Context, account string) ([]GivenSource, error)
}
