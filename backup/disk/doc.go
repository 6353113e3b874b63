// Package disk is the small port through which a bag and a ledger touch a file
// system, so that every call can be made to fail in a test (package
// backup/disk/fault).
//
// It imports the standard library and x/sys, and nothing of ours.
//
// Invariants:
//   - Names are relative to one root and never leave it: folders are os.Root
//     handles reached component by component, and a symbolic link in any
//     component is refused, not followed.
//   - Create never opens what exists; Place never replaces. Only Replace does,
//     and only names that the caller owns.
//   - Nothing here retries a failed sync.
package disk
