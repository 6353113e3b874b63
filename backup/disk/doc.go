// Package disk is the small port through which a bag and a ledger touch a file
// system, so that every call can be made to fail in a test (package
// backup/disk/fault).
//
// It imports the standard library and x/sys, and nothing of ours.
//
// Invariants:
//   - Names are relative to one root and never leave it: folders are descriptors
//     reached component by component, each opened with O_NOFOLLOW, and every
//     call names one component in such a folder. A symbolic link in any
//     component is refused, not followed. (os.Root does the same but for links
//     that stay inside, which it follows, and at twice the calls.)
//   - Nothing that is mounted beneath the root is entered.
//   - Create never opens what exists; Place never replaces. Only Replace does,
//     and only names that the caller owns.
//   - Nothing here retries a failed sync.
package disk
