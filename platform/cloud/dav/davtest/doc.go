// Package davtest is a Nextcloud-shaped DAV server on loopback: files, contacts,
// calendars and tasks of a few users, kept in memory, that a test can change,
// watch and break. It is a package and not a test file because the demo runs
// it too, as the cloud that is left.
//
// It has the shape that GNOME Online Accounts and evolution-data-server expect
// of an ownCloud account: /remote.php/webdav/, /remote.php/carddav/,
// /remote.php/caldav/, and the newer /remote.php/dav/ with /.well-known/.
// The properties follow RFC 4918 (WebDAV), RFC 6352 (CardDAV), RFC 4791
// (CalDAV), RFC 6578 (sync-collection), the getctag extension of
// calendarserver.org and the oc: and nc: properties of Nextcloud's
// "WebDAV basics" page, and what is shared by another user is told as there. Folder ETags change with everything below them, as
// Nextcloud's do.
//
// It imports nothing of ours. Invariants: it listens on loopback unless told
// otherwise; every request is in the log, with whether it carried
// credentials; a fault counts how often it fired, so that a test can tell that
// it met it; nothing is ever written to disk.
package davtest
