// Package archive reads what a provider gives a person who leaves: Google's
// Takeout, Apple's copy of one's data, zip and tgz files of photos, contacts,
// calendars and notes. Nothing is unpacked: items are opened in the archive.
//
// It imports backup/source and backup/scan; it writes nothing.
//
// Where the formats come from: zip is PKWARE's APPNOTE 6.3.10; tar and gzip are
// the standard library's. Neither Google nor Apple documents its export. What
// is known of them was read in tools that many people use: the names of
// sidecars in the issues and sources of TheLastGimbus/GooglePhotosTakeoutHelper,
// ente-io/ente (pull request 4956) and simulot/immich-go (issues 133, 357, 380,
// 674), Keep's notes in obsidianmd/obsidian-importer, Apple's parts and its
// "Photo Details.csv" in simulot/immich-go (pull request 822, issue 853).
//
// Xiaomi exports contacts as a vCard file, and photos as they are; for notes no
// export of its own is documented, and what others' programs write (Markdown,
// text) is taken as plain notes.
//
// A zip is opened at any item. A tgz has one beginning: its index is made in one
// pass, which also checks the sum at its end, and items are read by passes that
// go forward, each going on from the nearest place where another stopped.
//
// Invariants:
//   - A part that is missing, cut off or not to be read makes the listing
//     incomplete, by name. So does an archive that unpacks to far more than it
//     is, or whose entries lie over each other.
//   - An entry that cannot be taken as it is (its name leads elsewhere, it is
//     encrypted, a link, of an unknown method) is a failure, by name.
//   - Bytes are given only as the archive sums them: damage shows as an error at
//     the end of reading, and so does an archive that changed since it was read.
//   - Whether the last part is there is known from the archive itself or is not
//     known: [Export.Unproven].
package archive
