// Package dataset is the port of the programs on this device that hold contacts,
// notes, calendars or photos in stores of their own: a folder of vdirsyncer,
// Joplin's database, Thunderbird's address books. Each is an adapter in a package
// of its own that fills [Finder].
//
// It imports agent/departure for the words, platform/binding for whose a store
// is, and backup/source for what an item is.
//
// Invariants:
//   - Finders read, and never write: not even a database's journal beside it.
//   - A program that is not there has no stores. A store that is there and
//     cannot be read is one with why, never one that is left out.
//   - What a store shows of an account at a server is no evidence of what the
//     server holds.
package dataset
