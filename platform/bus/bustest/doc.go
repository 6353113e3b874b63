// Package bustest plays D-Bus services that do what no service should, on a
// private bus, and checks that what asks them stays right: an [Adapter] is one
// line of the table in adapters_test.go.
//
// It imports platform/bus, platform/session/sessiontest and godbus; only tests
// import it.
//
// Invariants:
//   - No adapter waits longer than its bus connection's deadline, panics, or
//     takes an answer that it could not have for an empty one.
//   - Once the right service is back, the same adapter says what is so.
//   - Of 100,000 things an adapter either takes all or refuses all, and says so.
//     The accounts, the disks, the mounted servers, the stored sign-ins, the items
//     of the keyring and the data sources are all refused: no person has as many.
package bustest
