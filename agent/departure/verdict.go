package departure

import "time"

// Status is how one check stands.
type Status string

// The statuses. The zero value is none of them and never holds.
const (
	Pass     Status = "pass"
	Fail     Status = "fail"
	Unknown  Status = "unknown"
	Waived   Status = "waived"
	Attested Status = "attested"
	NA       Status = "n/a"
)

// Holds reports whether the status lets a departure go on.
func (s Status) Holds() bool { return s == Pass || s == Waived || s == Attested || s == NA }

// CheckID names a line of readiness.
type CheckID string

// The checks of the table.
const (
	InventoryComplete        CheckID = "inventory.complete"
	BackupVerified           CheckID = "backup.verified"
	DestinationApart         CheckID = "destination.apart"
	KeptHere                 CheckID = "kept.here"
	UncoveredAcknowledged    CheckID = "uncovered.acknowledged"
	RecordsPurchases         CheckID = "records.purchases"
	ConsequencesAcknowledged CheckID = "consequences.acknowledged"
	RosterSignedOut          CheckID = "roster.signed-out"
	PolicyAllows             CheckID = "policy.allows"
	AgentHealthy             CheckID = "agent.healthy"
	AuthorizeGranted         CheckID = "authorize.granted"
	SealRecent               CheckID = "seal.recent"
	SealIntact               CheckID = "seal.intact"
	ServerSeen               CheckID = "server.seen"
	FindMyDeviceOff          CheckID = "find-my-device.off"
	BindingsRemoved          CheckID = "bindings.removed"
	AccountsSeparate         CheckID = "accounts.separate"
)

// BackupOf is the check of one dataset's copy, "backup.photos".
func BackupOf(d Dataset) CheckID { return CheckID("backup." + string(d)) }

// Stage says what a check stands before.
type Stage string

// The stages.
const (
	Release  Stage = "release"  // before Find My Device off and the sign-out here
	Ready    Stage = "ready"    // before the deletion
	Complete Stage = "complete" // before this departure's own end
)

// Check is one line of readiness.
type Check struct {
	ID     CheckID `json:"id"`
	Stage  Stage   `json:"stage"`
	Status Status  `json:"status"`
	Reason Reason  `json:"reason"`
	// Count is how many things stand in the way, or were checked when it holds.
	Count  int64   `json:"count,omitempty"`
	Of     int64   `json:"of,omitempty"`
	Remedy *Remedy `json:"remedy,omitempty"` // nil when the check holds
	// Ask is what a person may say to answer this check; nil where words do
	// not help.
	Ask *Ask `json:"ask,omitempty"`
}

// Ask is a question that a word answers.
type Ask struct {
	Kind    WordKind `json:"kind"`
	Subject string   `json:"subject,omitempty"`
	List    Digest   `json:"list"`
	Lines   []Line   `json:"lines"`
	// Said: a matching word was given and waits for the next authorisation.
	Said bool `json:"said"`
}

// Verdict is the answer of the check table.
type Verdict struct {
	Release  bool   `json:"release"`  // Find My Device may go off, the sign-out may run
	Ready    bool   `json:"ready"`    // deletion is allowed
	Complete bool   `json:"complete"` // this departure's own end is reached
	Checks   Checks `json:"checks"`
	Basis    Digest `json:"basis"`
	// Assurance is never stronger than its weakest check.
	Assurance Assurance `json:"assurance"`
	Simulated bool      `json:"simulated"` // a simulated device took part
	Waived    []CheckID `json:"waived,omitempty"`
	// Pending are the effects that an authorisation must name.
	Pending []Effect  `json:"pending"`
	At      time.Time `json:"at"`
	Until   time.Time `json:"until"` // it holds no longer than this
}

// Checks is the table's lines in its order.
type Checks []Check

// Get is the line of one check, and whether the table has it.
func (cs Checks) Get(id CheckID) (Check, bool) {
	for _, c := range cs {
		if c.ID == id {
			return c, true
		}
	}
	return Check{}, false
}

// Open are the lines that do not hold, in the table's order.
func (cs Checks) Open() Checks {
	var open Checks
	for _, c := range cs {
		if !c.Status.Holds() {
			open = append(open, c)
		}
	}
	return open
}
