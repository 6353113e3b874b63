// Package dataset is the port of the programs on this device that hold contacts,
// notes, calendars or photos in stores of their own: a folder of vdirsyncer,
// Joplin's database, Thunderbird's address books. Each is an adapter in a package
// of its own that fills [Finder].
//
// It imports agent/departure for the words, platform/binding for whose a store
// is, backup/source for what an item is, backup/scan to open what they lie in, and
// platform/xdg for the homes of a person.
//
// Invariants:
//   - Finders read, and never write: not even a database's journal beside it.
//   - A program that is not there has no stores. A store that is there and
//     cannot be read is one with why, never one that is left out.
//   - What a store shows of an account at a server is no evidence of what the
//     server holds.
//
// # A new adapter
//
// It is one folder and one line:
//
//  1. A package under platform/ with New(xdg.Dirs) *Finder. Every path is looked
//     for in each of Dirs.Homes, for Flatpak and Snap have homes of their own.
//     Find is called at every look and must be quick: it reads settings, and
//     leaves databases to List.
//  2. Each place is a [Store]. [OfFolder] fills one whose items are files,
//     [OfFile] one whose items stand in one file; others fill List themselves,
//     with [Made] for what is made of a database (read through
//     platform/sqliteread) and [Incomplete] for a listing that ends early.
//     [Unreadable] is a store that says why.
//  3. Who comes of [AtServer]; Goes only where the program removes the store with
//     the account. A format is never guessed: its source stands in the package's
//     doc.
//  4. Notes are two items: the program's own form, the master, and a Markdown
//     text beside it under the same name.
//  5. A test TestContractNotes (Contacts, Calendars, Photos) that calls
//     platform/dataset/datasettest with a program that writes as the real one
//     does, and a fuzz target for each parser.
//  6. One line in platform/tasks/finders.go.
package dataset
