// Package source says what is copied: an [Item] is one thing at its origin, be
// it a photo in a folder, a contact at a server or a note in a store, and the
// formats those come in.
//
// It imports backup/scan and parsers of formats; it writes nothing.
//
// Invariants:
//   - An item is named by (account, dataset, source, id), as the origin names
//     it: raw bytes, never changed.
//   - Rev is a key that changes when the origin says that the item changed. It
//     is trusted to find what is new, never to prove what is the same.
//   - What cannot be copied is yielded as [*Failed], by name; a listing that may
//     lack items yields [*Incomplete]. Nothing is skipped silently.
//   - What is parsed is hostile: limits, no panic.
package source
