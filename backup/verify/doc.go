// Package verify reads the copy back from its destination and compares it with
// the ledger, never with the bag's own lists. Earlier versions, which no ledger
// holds, are the one exception.
//
// It imports backup/bag, backup/ledger, backup/place, backup/source and
// backup/disk.
//
// How it reads: items that were read back before go by inode, the others as they
// were listed, which is the order in which they were written. Small ones are read
// by many workers, for each costs a wait; large ones by few, each whole where it
// fits into memory, so that looking into it (Options.Check) reads nothing twice.
//
// Invariants:
//   - Every byte is read, from the disk and not from the cache: O_DIRECT where
//     the file system says that it has it, else the cached pages are dropped and
//     it is asked whether they went; if any stayed, the item is unknown.
//   - The stat that is kept was the same before and after the reading.
//   - An item is ok only if size and sha256 are those of the ledger.
//   - Nothing is sampled and nothing is skipped silently: each entry ends as ok,
//     damaged, missing, unknown, or was verified before and is counted so.
//   - What Check finds is listed in the ledger (ledger.NotParsed) before the item
//     counts as read back: whatever ends a run, no finding is lost. An item whose
//     finding cannot be listed is unknown.
//   - A reading counts for a day, for the stat that it took and for the
//     destination where it was made. One from the future counts for nothing.
//   - What the copy holds beyond the ledger (RunEarlier) is held against the copy's
//     own lists, and no item rests on it.
package verify
