// Package ledger is the agent's own list of every item copied: what it was at
// the source, how long, with which sha256, and where in the bag it lies. It is
// kept outside the bag, so that the bag is checked against it and never against
// itself.
//
// It imports backup/source and backup/disk.
//
// On disk it is one file, ledger, of checksummed records that are only ever
// appended (record.go), written anew when half of it is dead or when its last
// writer did not close it. In memory it is a table of 48 bytes an item.
//
// Invariants:
//   - What [Ledger.Put] was given counts as kept only when [Ledger.Sync] has
//     returned nil. After a failed Sync the ledger refuses everything until it
//     is opened again.
//   - A torn or damaged record ends the list: what follows is forgotten, which
//     can only make an item look not copied.
//   - [Ledger.Digest] depends on the items alone, not on order or time.
//   - One process at a time ([*LockedError]).
package ledger
