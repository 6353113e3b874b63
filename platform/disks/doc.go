// Package disks tells which disks a person can plug in and out, when one comes
// or goes, and takes one away safely. It asks UDisks2 (its interfaces as of
// version 2.10, storaged.org/doc/udisks2-api) over the system bus.
//
// It imports platform/bus, agent/engine for the port that it fills, and
// backup/place.
//
// Invariants:
//   - It recognises nothing: whether a disk is that of the copy is told by what
//     is written on it (backup/place). A label is for people.
//   - Nothing is unmounted, ejected or switched off but the one disk that was
//     named, and never by force or lazily: what is still open on it is an error
//     that says so.
//   - Without UDisks2 the lists are empty and say why; a disk that is mounted in
//     another way is used like any other.
//   - Texts from a disk are made fit to be shown, and bounded, as are lists.
package disks
