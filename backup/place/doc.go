// Package place gathers facts about a folder that someone proposes as a
// destination, for the caller to decide whether a copy there is one.
//
// It imports the standard library and x/sys, and nothing of ours.
//
// Invariants:
//   - It decides nothing and writes nothing.
//   - Whether two places overlap is told by device and inode of every folder
//     above them, and by where they lie within one file system; never by
//     comparing the paths that people write.
//   - A disk is recognised by what is written on it (its file system's uuid),
//     never by where it is plugged in or mounted, and never by its label, which
//     is for people. Where nothing on it can be read the name says so
//     ([Place.Disk]), and matches only [Perhaps].
//   - What looks for a disk touches no mount but those of block devices: a dead
//     server would hold it for ever.
package place
