// Package stores finds the address books and calendars of Thunderbird's
// profiles. It fills dataset.Finder.
//
// It imports platform/dataset, mozilla, sqliteread, thunderbird and xdg,
// backup/source, and agent/departure for the words.
//
// Invariants:
//   - A calendar at a server is cached here, and the cache is no evidence: of it
//     only what the server was not told yet is listed.
//   - An address book of before version 78 (Mork) cannot be read, and is one that
//     says so.
//   - A card whose photo is not there is listed, and its photo fails by name.
//
// Sources: comm-central, mailnews/addrbook/modules/SQLiteDirectory.sys.mjs,
// AddrBookDirectory.sys.mjs and VCardUtils.sys.mjs (address books);
// calendar/providers/storage/calStorageHelpers.sys.mjs and
// CalStorageItemModel.sys.mjs (calendars).
package stores
