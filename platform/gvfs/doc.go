// Package gvfs reads which servers are mounted in this session by GVfs, as file
// managers do when somebody connects to a server. It is a binding.Place.
//
// It imports platform/binding and platform/bus, and godbus.
//
// Invariants:
//   - GVfs is asked only where it runs; it is never started, and another user's
//     process in its place is an error.
//   - It changes nothing: the person closes a mount.
//
// Source: gvfs' common/gvfsdbus.xml (org.gtk.vfs.MountTracker), as Debian's 1.50
// answers, and its backends' mount specs.
package gvfs
