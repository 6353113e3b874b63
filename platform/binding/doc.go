// Package binding is the port of the places on this device where an account can
// be registered: GNOME Online Accounts, a data source made by hand, a sync
// client, a file with passwords. Each is an adapter in a package of its own that
// fills [Place]; what they share is here: whose an entry is, and whether it is
// the account that is left.
//
// It imports agent/departure for the words, and nothing else of ours.
//
// Invariants:
//   - An error of a Place means that nothing is known of it: neither that an
//     account is there nor that it is gone. That a program is not installed, or
//     was never used, is an empty list.
//   - An entry that cannot be matched to an account is one that may be the
//     account: [MatchUnknown], never [MatchNo].
//   - No Place reads a password, prints one, or removes more than the one entry
//     that it was told to.
package binding
