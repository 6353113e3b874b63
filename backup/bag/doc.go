// Package bag writes the copy: a BagIt 1.0 bag (RFC 8493) of plain files that
// outlives Clearance.
//
// It imports backup/source and backup/disk.
//
// How a file gets in: it is staged under .clearance/tmp, where the disk begins to
// write it at once if it is large. A batch of staged files is made durable (one
// sync of the file system, or one of each file where they are few or that would
// not reach the disk), their lines are appended to .clearance/journal, which is
// made durable, and they are renamed to their places; the next batch may be made
// durable meanwhile ([Bag.Secure]). From the line on a file is in the bag:
// whatever kills us, the next [Open] finishes the rename. [Bag.Fold]
// puts the journal's lines into manifest-sha256.txt and items.jsonl: new files
// under .clearance/fold.new, made durable, renamed to .clearance/fold, and from
// there into place; the next Open finishes that too. What the lines add to the
// lists is kept beside them while they are written, so that a fold seldom reads
// the journal itself.
//
// Not done: files created at their places at once, which would save a rename and
// leave halves of files under final names; a temporary folder for each batch, so
// that creating and renaming wait for no common lock (3 % of the time, measured).
// Measured and no better: writing past the page cache, beside a write that is
// begun early.
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
