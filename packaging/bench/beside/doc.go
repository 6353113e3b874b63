// Package beside runs Clearance's engine beside the tools that people trust, on
// the same bytes, one after the other in one run.
//
// It imports packaging/bench's corpus and report, and x/sys.
//
// What makes it fair:
//   - Each trial has a file system of its own, made a moment before: ext4 passes
//     over inodes that were freed in the last minutes, one by one, so that a
//     folder where something was removed makes the next tool slow. Without root
//     there are folders, which are all kept to the end.
//   - Rounds are interleaved, in a balanced order: what a tool leaves to the next
//     one is paid by each in turn.
//   - A tool that does not make its copy durable is followed by sync -f, and that
//     is counted.
//   - Before a copy every file of the source is read once, for everybody; a
//     read-back begins with nothing of the copy in memory, for everybody.
//   - Nothing counts that did not end well: a tool that fails ends the run.
package beside
