package findmy

import (
	"strings"

	"github.com/godbus/dbus/v5"
)

// The interface for device makers. Every implementer owns one name below
// Prefix on the system bus and exports Interface at Path:
//
//	properties (read; emits PropertiesChanged, values may be left out)
//	  State        s  "on", "off", "unknown": can this device be found or locked
//	                  through the account just now
//	  Provider     s  id of the provider in the catalogue
//	  Account      s  the account's identity at the provider. Provider and
//	                  Account stay when State becomes off, or become empty where
//	                  the device forgets the account
//	  ConfirmedBy  s  who confirmed State last: a host, or empty
//	  ObservedAt   x  when State was last confirmed, in seconds since 1970, UTC
//	  Simulated    b  true for anything but a real tracker
//	methods
//	  Disable(a{sv} proof) → a{sv} result
//	  Enable(a{sv} proof) → a{sv} result
//
// Proof holds one of password, otp, token (s), which the provider checks. Result
// holds "result" (s), one of the Result words, and may hold "text" (s), English.
// A caller that may not call gets the error org.freedesktop.DBus.Error.AccessDenied.
const (
	Prefix    = "org.clearance.FindMyDevice1."
	Interface = "org.clearance.FindMyDevice1"

	Path dbus.ObjectPath = "/org/clearance/FindMyDevice1"
)

// The keys of proof and result.
const (
	ProofPassword = "password"
	ProofOTP      = "otp"
	ProofToken    = "token"
	ResultKey     = "result"
	TextKey       = "text"
)

// The words of "result".
const (
	ResultOK          = "ok"
	ResultWrongProof  = "wrong-proof"
	ResultUnreachable = "unreachable" // the provider could not be asked
	ResultFailed      = "failed"
)

const accessDenied = "org.freedesktop.DBus.Error.AccessDenied"

// validName reports whether a bus name is an implementer's: Prefix and one
// element.
func validName(name string) bool {
	vendor, ok := strings.CutPrefix(name, Prefix)
	return ok && vendor != "" && len(name) <= 255 && !strings.Contains(vendor, ".")
}
