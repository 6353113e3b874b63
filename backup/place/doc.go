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
package place
