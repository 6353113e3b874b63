// Package scan lists what lies beneath a folder: fast, in parallel, and without
// ever leaving it.
//
// It imports the standard library and x/sys, and nothing of ours.
//
// Invariants:
//   - No symbolic link is followed, in any component: every open is
//     openat2(RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS), or where the kernel lacks it
//     openat component by component with O_NOFOLLOW.
//   - Only regular files become an [Entry]. Everything else, and everything that
//     could not be looked at, becomes a [Finding]: nothing is skipped silently.
//   - A listing that may lack something says so: [Root.Walk] returns
//     [*IncompleteError]. Its entries are true, its absences are not.
//   - No listing waits for ever: a folder that gives no answer for
//     [Options.Patience] makes the listing incomplete, by name.
//   - A stamp is trusted only when no later write can carry it: [Stat.Rest].
//   - A folder is skipped as a bag only if it carries a bag id that the caller
//     named.
package scan
