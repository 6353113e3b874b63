// Package goa lists and removes accounts of GNOME Online Accounts, and reads
// back what a removal has left.
//
// It imports agent/departure, platform/binding (whose port it fills), platform/bus,
// platform/gkeyfile, platform/secrets, platform/xdg and godbus.
//
// Facts it rests on, measured on GOA 3.46: Account.Remove answers before
// evolution-data-server has let go of the data; with the keyring locked it
// succeeds and leaves the secret; goa-daemon takes a key file that it cannot
// parse for an empty one; an account that is added again has a new id.
//
// Invariants:
//   - Unknown is never gone: what could not be looked at stands in
//     ReadBack.Unknown, and ReadBack.Gone is false.
//   - An account is listed only from answers of exactly the types that GOA's
//     interface has, from a process of our own user, and held against GOA's key
//     file.
//   - Remove is called only while nothing stands in its way: the account is not
//     locked and the keyring is open.
//   - Passwords and tokens are secrets.Secret, and no error holds one.
package goa
