// Package passwords is the place of the passwords that programs keep in the
// keyring (Secret Service) for an account's server: those of file managers,
// git, mail programs and whoever else names the server and the user.
//
// It fills the port of platform/binding over platform/secrets and platform/bus.
//
// What it decides: a password that names its server and its user in clear is one
// that we may delete, by its exact item, once the person authorised that; deleting
// it signs the program out, and takes nothing else. One that does not name its
// user is guided: nobody but the person can tell whose it is. What GNOME Online
// Accounts, evolution-data-server and the sync clients keep is theirs, and is
// removed with their sign-in.
//
// Invariants:
//   - No secret is asked for. Names and states are all that is read.
//   - A locked part of the keyring shows no names, only whether it has what is
//     asked for by whole values: what it has of the account is found by [Place.Search]
//     and blocked until it is unlocked. What names the server in an address, or in
//     capital letters, is found once it is unlocked.
//   - An item is known by its path and by whose it is, lest another one that got
//     its path be taken for it.
package passwords
