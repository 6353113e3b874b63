package binding

import "github.com/clearance-project/clearance/agent/departure"

// Unlock is what to do about a locked keyring.
func Unlock() departure.Remedy {
	return departure.Remedy{Code: "unlock", Text: "unlock the keyring: log in to this device with your password, then go on"}
}

// ByHand is an entry that only the person can remove, in the way that text says.
func (e Entry) ByHand(text string) Entry {
	e.Guided = true
	e.Why = departure.Reason{Code: departure.ByHand, Text: e.Name + ": only you can sign out there"}
	e.Blocked = &departure.Remedy{Code: departure.ByHand, Text: text}
	return e
}
