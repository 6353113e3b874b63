// Package ledger is the agent's own list of every item copied: what it was at
// the source, how long, with which sha256, and where in the bag it lies. It is
// kept outside the bag, so that the bag is checked against it and never against
// itself.
//
// It imports backup/source and backup/disk.
//
// On disk it is one file, ledger, of checksummed records that are only ever
// appended (record.go), written anew when half of it is dead or when its last
// writer did not close it. Opening reads and checks all of it. In memory it is a
// table outside of Go's heap, 28 bytes an item and 7 to 10 for the index: what
// else an entry says is read from the file when it is asked for. A million items
// are 36 MB so, and 16 more while the digest is made.
//
// Invariants:
//   - What [Ledger.Put] was given counts as kept only when [Ledger.Sync] has
//     returned nil. After a failed Sync the ledger refuses everything until it
//     is opened again.
//   - A torn or damaged record ends the list: what follows is forgotten. That an
//     item was copied or read back is only forgotten so; that it was taken off
//     the list, or what was found wrong in it, is told by the digest.
//   - [Ledger.Digest] depends on the items and on which of them are [NotParsed],
//     not on order or time. The daemon keeps it: a list that was damaged,
//     exchanged or rolled back has another, and counts only when everything on
//     it was read back anew.
//   - What was read back counts for the destination where it was read
//     ([Ledger.ReadFrom]) and for no other.
//   - What was found wrong in an item's content ([NotParsed]) stays listed until
//     the item has other content or is read back again.
//   - One process at a time ([*LockedError]).
package ledger
