// Package joplin finds the notes of Joplin, of its desktop and of its terminal
// program. It fills dataset.Finder: each note is a JSON of everything that Joplin
// stores of it, the master, a Markdown text to read beside, and the files that
// notes show.
//
// It imports platform/dataset, platform/sqliteread, platform/xdg, backup/scan,
// backup/source, and agent/departure for the words.
//
// Invariants:
//   - What is encrypted here fails by name, and so does a file that was never
//     fetched: the copy would lack them.
//   - The database stays when the account that it is kept in step with goes.
//
// Sources: Joplin, packages/lib/JoplinDatabase.ts (tables), BaseApplication.ts and
// services/profileConfig (folders), models/settings/builtInMetadata.ts
// (sync.target), models/Resource.ts (names of files).
package joplin
