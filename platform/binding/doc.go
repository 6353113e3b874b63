// Package binding is the port of the places on this device where an account can
// be registered: GNOME Online Accounts, a data source made by hand, a sync
// client, a file with passwords. Each is an adapter in a package of its own that
// fills [Place]; what they share is here: whose an entry is, and whether it is
// the account that is left.
//
// It imports agent/departure for the words, and nothing else of ours.
//
// Invariants:
//   - An error of a Place means that nothing is known of it: neither that an
//     account is there nor that it is gone. That a program is not installed, or
//     was never used, is an empty list.
//   - An entry that cannot be matched to an account is one that may be the
//     account: [MatchUnknown], never [MatchNo].
//   - No Place reads a password, prints one, or removes more than the one entry
//     that it was told to.
//
// # How a place is added
//
// A new place is one folder and one line.
//
// The folder is platform/<place>, with a type that fills [Place]:
//
//   - Kind is one word, in lower case, for good: records keep it.
//   - Entries lists every entry of every account. What a file or answer says is
//     hostile: bound what is read, and make too much of it an error. A program
//     that is installed for the session, in a Flatpak or in a Snap has one place
//     each: platform/xdg names their folders.
//   - ID is new at each sign-in where the place has such a thing (GOA's account
//     id, a source's uid), else what names the sign-in (server and user).
//   - Who is said in the place's own words and not guessed: a user or a server
//     that it does not say stays empty. Whether it is the account that is left
//     is decided by [Who.Of], with the provider that the catalogue has for the
//     kind, the type and the host.
//   - Guided is an entry that no program may remove for the person: Why says so
//     and Blocked how it is done by hand. One that is removed while its program
//     runs and would write it back is Busy, or blocked until that was closed.
//   - Carries is set where sources of the account come and go with the entry; a
//     bare password carries nothing, nor does an account for mail: Mail says so.
//   - Goes names what vanishes from this device with it, Items -1 where nobody
//     counted; Folders what is kept in step with the account. Their files are
//     listed, copied and proved like every other source.
//   - ReadBack looks into every part of the place (the list, the file behind it,
//     the keyring, caches) for what is left of the entry, with the locked part
//     of the keyring too, each with how the person removes it.
//   - A change is heard: [Filed] where the place stands in files, [Teller] where
//     it tells itself. A use of the account that holds nothing of it is no
//     entry: [Hinter].
//   - What cannot be listed without asking for somebody is found by [Searcher]; a
//     place that never keeps a folder in step says so with [Folderless], else the
//     copy is refused everywhere while the place cannot be read.
//
// Its test is named TestContractBindings/<place> and runs bindingtest.Run on the
// real program wherever that runs without a screen, else on files as it writes
// them, with the source of their format in a docstring. Break the adapter once
// and see the suite fail.
//
// The line is in platform/tasks/places.go, which makes the list of places of a
// worker. Nothing else changes: the plan, the sign-out, the read-back, the live
// word and the permit go through the list. A type of the place that belongs to a
// company is found by agent/provider: by its GOA types, its id, or its hosts.
package binding
