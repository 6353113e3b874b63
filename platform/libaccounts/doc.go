// Package libaccounts reads the accounts of accounts-sso, where Ubuntu Touch, KDE
// and elementary register them: the rows of libaccounts-glib, and the identities
// with the passwords that signond keeps for them. It is a binding.Place.
//
// It imports agent/departure, platform/binding, bus, sqliteread and xdg, and
// godbus.
//
// Invariants:
//   - The database of the accounts is another program's: it is read and never
//     written. A row is removed by the person, where it was made.
//   - An identity that no row goes by is removed by signond itself, when told.
//   - signond is asked for names, never for a password. Another user's process
//     in its place is an error.
//
// Sources: libaccounts-glib's ag-manager.c (the tables) and GVariant's text
// format (the values); signond's authservice and identity interfaces
// (com.google.code.AccountsSSO.SingleSignOn), as Debian's 1.26 and 8.61 have
// them; KDE's kaccounts-providers and Ubuntu Touch's online accounts plugins for
// the settings that name a server.
package libaccounts
