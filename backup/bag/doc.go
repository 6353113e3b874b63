// Package bag writes the copy: a BagIt 1.0 bag (RFC 8493) of plain files that
// outlives Clearance.
//
// It imports backup/source and backup/disk.
//
// How a file gets in: it is staged under .clearance/tmp, made durable (its own
// sync, or one for many), its line is appended to .clearance/journal, which is
// made durable, and it is renamed to its place. From the line on it is in the
// bag: whatever kills us, the next [Open] finishes the rename. [Bag.Fold] puts
// the journal's lines into manifest-sha256.txt and items.jsonl: new files under
// .clearance/fold.new, made durable, renamed to .clearance/fold, and from there
// into place; the next Open finishes that too.
//
// Invariants:
//   - "sha256sum -c manifest-sha256.txt" passes at every instant from the moment
//     the bag has its name, unless someone else changed it.
//   - No payload file is ever replaced, hard-linked or rewritten.
//   - Nothing is reported as kept before it is durable. After an error of the
//     disk the bag refuses everything until it is opened again: a failed sync is
//     never tried again, the next run copies from the source.
//   - Paths are chosen here: valid UTF-8, no LF, CR, %, backslash, nothing that
//     FAT or NTFS refuse, no twins by case or composition, at most 255 bytes a
//     name.
//   - One writer: a lock that dies with it ([*LockedError]).
package bag
