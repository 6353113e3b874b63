package departure

import "time"

// Line is one line of a list that a person is shown and answers for.
type Line struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Profile is what the verdict needs to know of the provider. The catalogue
// explains, blocks or asks; it never turns missing data into a pass.
type Profile struct {
	Provider     string
	Name         string
	Datasets     []Dataset // what the provider holds for an account
	Consequences []Line
	Purchases    []Line
	Uncovered    []Line
	// NoTracker: a fact of confidence H says that the provider runs no device
	// tracker.
	NoTracker bool
	Path      Path // the deletion path that was chosen
}

// Path is one way to delete the account.
type Path struct {
	ID    string
	Title string
	Where string // an address or the steps, for a person
	Needs Needs
}

// Policy is what this device's policy says of one departure.
type Policy struct {
	Allows bool
	Why    Reason
	// Waivable are the checks that the policy lets a person of this account's
	// domain pass.
	Waivable []CheckID
	Delay    time.Duration
	Digest   Digest
}

// Assurance says how far a permit can be relied on.
type Assurance string

// The assurances, strongest first.
const (
	AssuredSystem   Assurance = "system"
	AssuredPersonal Assurance = "personal"
	AssuredAttested Assurance = "attested"
)
