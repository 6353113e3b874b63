// Package secrets asks the Secret Service what it holds, and keeps passwords out
// of logs.
//
// It imports platform/bus and godbus.
//
// Invariants:
//   - It reads names and states, never a password, and changes nothing but the one
//     item that Delete names: no unlocking, no prompt.
//   - A search tells locked and unlocked items apart: a locked collection hides
//     nothing.
//   - A service that is not there, or answers something else than its interface
//     says, is an error, never an empty result.
package secrets
