// Package sqliteread reads SQLite databases that belong to other programs:
// the caches of evolution-data-server, Joplin's notes, libaccounts' accounts.
//
// It may import nothing of ours; of all packages only this one and
// platform/store may import SQLite.
//
// Invariants:
//   - A database is opened with mode=ro and never with immutable=1, and its
//     pages are taken through SQLite's backup API within one read
//     transaction: rows that are still in the write-ahead log are seen, and
//     a program that writes at the same time is never read half-way. The
//     main file is copied alone only where no log is beside it and none came
//     while it was copied: see rest.
//   - The database's bytes are left alone: no checkpoint, no journal mode
//     change, no recovery of a hot journal (that is ErrHotJournal). Nothing is
//     left beside a database that no program has open. Beside one with a
//     write-ahead log SQLite does map, and where missing create, the log's
//     shared index (-shm), as every reader must.
//   - What is read is hostile: views and triggers are refused, sizes, rows
//     and time are limited, and a wrong type is an error.
package sqliteread
