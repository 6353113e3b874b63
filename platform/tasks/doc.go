// Package tasks is what a worker does as the user: list, copy, read back, keep,
// seal, sign out. It fills the Worker port of the engine over the adapters of
// this device and the backup engine.
//
// It imports agent, backup and the adapters under platform. It holds no
// authority: what it says are claims, and it never decides.
//
// How the words of the domain stand here:
//
//   - An origin is one source that can be listed: a collection at the server, a
//     book of evolution-data-server, a folder that was given, the trash.
//
//   - A book that syncs an account is a source of its own beside the collection
//     at the server, and is copied whole: an item edited here without network
//     keeps the server's revision, so that comparing revisions would lose it.
//
//   - The seal hashes again every byte of this device's sources, and fetches
//     contacts, notes and calendars from the server anew. Photos and files at
//     the server are held by revision and length alone: a server has no write
//     that leaves a revision as it was, and the whole cloud would have to come
//     down twice.
//
//   - While all is ready the engine only glances: what the server itself shows to
//     be as it was is carried over from the last full look (glance.go). That costs
//     one request for the address books, one for the calendars and one for the
//     files. After 42 minutes at most all is listed in full; after 7 the files of a
//     server whose folders have no mark of what is below them. What is given away
//     or done rests on a full listing of that moment.
//
//   - The copy is recognised by the name of its disk (backup/place), by the id of
//     the bag, and by the mark of the run that wrote it last (copystate.go). It
//     is looked for wherever its disk is plugged in. A clone of the disk has the
//     first two: one that lacks a run is refused, until the person chooses it;
//     then, like any other disk with a copy of the same bag, it is a copy of its
//     own, with a list of its own, which starts from what was copied and with
//     nothing read back. One that lacks none is read back in full, where the
//     device tells that it is another one. Two that are plugged in at once are
//     both refused. What this cannot see: a clone made after the last run, put
//     in the place of the first, where neither device has a serial number and
//     both get the same device number.
//
// Invariants:
//   - Nothing is written beneath the mount point of a disk that went away: the
//     folder of the copy is opened on the device that was recognised, and a run
//     ends once that is no longer mounted there.
//   - A part that cannot be looked at is incomplete in the answer, with why. An
//     empty answer of a cache is never one of a server.
//   - Credentials are in memory alone. What is kept of an account on disk are
//     addresses, the names of its books, and what was kept of them here.
//   - Nothing is removed at a server, and nothing on the device but the one
//     sign-in that Unbind names.
package tasks
