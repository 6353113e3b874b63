// Package secrets asks the Secret Service what it holds, and keeps passwords out
// of logs.
//
// It imports platform/bus and godbus.
//
// Invariants:
//   - It reads names and states, never a password, and changes nothing: no
//     unlocking, no prompt, no deletion.
//   - A search tells locked and unlocked items apart: a locked collection hides
//     nothing.
//   - A service that is not there, or answers something else than its interface
//     says, is an error, never an empty result.
package secrets
