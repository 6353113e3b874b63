package api

import (
	"encoding/json"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

// Requests and answers for which the agent has no type of its own.
type (
	// Nothing is the request of a method that takes none, and the answer of
	// one that gives none.
	Nothing struct{}

	// VersionAnswer is the agent's version.
	VersionAnswer struct {
		Version string `json:"version"`
	}
	// ProvidersAnswer lists the catalogue.
	ProvidersAnswer struct {
		Providers []agent.ProviderInfo `json:"providers"`
	}
	// KeysAnswer is a JSON Web Key Set (RFC 7517).
	KeysAnswer = json.RawMessage
	// AccountsAnswer lists the accounts of the caller.
	AccountsAnswer = agent.AccountList
	// AddAccountRequest names an account that is not on this device.
	AddAccountRequest struct {
		Provider string `json:"provider"`
		Identity string `json:"identity"`
	}
	// AddSourceRequest names a folder or file that holds the account's data.
	AddSourceRequest struct {
		Dataset departure.Dataset `json:"dataset"`
		Path    string            `json:"path"`
	}
	// CredentialRequest hands over the account's password, for memory alone.
	CredentialRequest struct {
		Password string `json:"password"`
	}
	// RunRequest says how far to go; empty goes as far as possible.
	RunRequest struct {
		Until departure.Step `json:"until,omitempty"`
	}
	// DestinationRequest names the folder that will hold the copy. Only the
	// caller's own worker opens it.
	DestinationRequest struct {
		Folder string `json:"folder"`
	}
	// DisksAnswer lists the disks that are plugged in.
	DisksAnswer struct {
		Disks []agent.Disk `json:"disks"`
	}
	// AtOwnRiskListAnswer is what would be lost, with the digest to repeat.
	AtOwnRiskListAnswer struct {
		Lines []departure.Line `json:"lines"`
		List  departure.Digest `json:"list"`
	}
	// AtOwnRiskRequest repeats the digest of the list that was shown.
	AtOwnRiskRequest struct {
		List departure.Digest `json:"list"`
	}
	// AtOwnRiskAnswer is the signed list (JWS compact). It is no permit.
	AtOwnRiskAnswer struct {
		Signed string `json:"signed"`
	}
	// PermitRequest asks for a permit for one audience over its nonce.
	PermitRequest struct {
		Nonce    string `json:"nonce"`
		Audience string `json:"audience"`
	}
	// RedeemRequest carries the relying party's second nonce.
	RedeemRequest struct {
		Nonce string `json:"nonce"`
	}
	// SubmissionRequest says when the deletion was submitted.
	SubmissionRequest struct {
		When time.Time `json:"when"`
	}
	// CancelRequest gives a departure up. Find My Device is switched on again
	// only when the person says that the deletion was not submitted, with the
	// proof that its implementer asks for.
	CancelRequest struct {
		NotSubmitted bool   `json:"not_submitted,omitempty"`
		Proof        string `json:"proof,omitempty"`
	}
	// WatchRequest selects the departure.
	WatchRequest struct {
		Departure string `json:"departure,omitempty"`
	}
)
