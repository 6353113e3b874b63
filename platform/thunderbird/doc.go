// Package thunderbird reads the accounts that Thunderbird is signed in to: mail,
// and the address books and calendars that it keeps in step with a server. It is
// a binding.Place.
//
// It imports agent/departure, platform/binding, mozilla, sqliteread and xdg.
//
// Invariants:
//   - It writes nothing: accounts are removed by the person, in Thunderbird.
//   - What one user has at one server in one profile is one entry.
//   - A password in an address is never kept.
//
// Sources: Thunderbird's mailnews/base/src/nsMsgAccountManager.cpp (mail.server),
// mailnews/addrbook/modules/CardDAVDirectory.sys.mjs and SQLiteDirectory.sys.mjs
// (ldap_2.servers, abook.sqlite), calendar/base/src/CalCalendarManager.sys.mjs
// (calendar.registry) and calendar/providers/storage (cache.sqlite).
package thunderbird
