// Package tasks is what a worker does as the user: list, copy, read back, keep,
// seal, sign out. It fills the Worker port of the engine over the adapters of
// this device and the backup engine.
//
// It imports agent, backup and the adapters under platform. It holds no
// authority: what it says are claims, and it never decides.
//
// How the words of the domain stand here:
//   - An origin is one source that can be listed: a collection at the server, a
//     book of evolution-data-server, a folder that was given, the trash.
//   - A book that syncs an account is a source of its own beside the collection
//     at the server, and is copied whole: an item edited here without network
//     keeps the server's revision, so that comparing revisions would lose it.
//   - The seal hashes again every byte of this device's sources, and fetches
//     contacts, notes and calendars from the server anew. Photos and files at
//     the server are held by revision and length alone: a server has no write
//     that leaves a revision as it was, and the whole cloud would have to come
//     down twice.
//
// Invariants:
//   - A part that cannot be looked at is incomplete in the answer, with why. An
//     empty answer of a cache is never one of a server.
//   - Credentials are in memory alone. What is kept of an account on disk are
//     addresses, the names of its books, and what was kept of them here.
//   - Nothing is removed at a server, and nothing on the device but the one
//     sign-in that Unbind names.
package tasks
