// Package verify reads the copy back from its destination and compares it with
// the ledger, never with the bag's own lists.
//
// It imports backup/bag, backup/ledger, backup/source and backup/disk.
//
// Invariants:
//   - Every byte is read, from the disk and not from the cache: O_DIRECT where
//     the file system has it, else the cached pages are dropped and it is asked
//     whether they went; if any stayed, the item is unknown.
//   - The stat that is kept was the same before and after the reading.
//   - An item is ok only if size and sha256 are those of the ledger.
//   - Nothing is sampled and nothing is skipped silently: each entry ends as ok,
//     damaged, missing, unknown, or was verified before and is counted so.
package verify
