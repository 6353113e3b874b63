// Package dav lists and fetches what an account holds at its own server:
// contacts by CardDAV (RFC 6352), events and tasks by CalDAV (RFC 4791), files,
// photos and notes by WebDAV (RFC 4918), from Nextcloud, ownCloud, Radicale and
// servers like them. A cache on this device is never evidence; this package is
// how the server itself is asked.
//
// It imports nothing of ours. It keeps no state on disk and the credentials in
// memory only.
//
// Invariants:
//   - A listing is complete only if every answer was a whole, well-formed 207
//     to an authenticated request, every member in it had a status of 200 and a
//     revision of its own, and the server's mark of the collection's state was
//     the same before and after (where a server has no mark: two equal listings
//     in a row). Zero items are complete only in that way.
//   - An incomplete listing carries a reason and an error, and no digest.
//   - Credentials go to the scheme, host and port that the account names, and
//     nowhere else: other redirects and hrefs are errors.
//   - A vCard or calendar object is handed on byte for byte, or not at all: the
//     XML of a multiget loses carriage returns, so that its text counts only
//     once the length agrees with the server's, else the item is fetched alone.
//   - Every answer is hostile: bytes, members, depth and time are bounded. A server
//     that asks for patience is waited for within a bound of the whole call.
//   - What is another person's is said so only where the server says both that it
//     is shared and by whom (shared.go); in doubt it is the account's own.
//   - A poll (poll.go) says Unchanged only where the server's own mark of the whole,
//     or a listing of it, is the same for the account that asks. It is a look for
//     the display, and never a listing.
//
// # Why not the go-webdav client
//
// github.com/emersion/go-webdav serves the tests as the independent other side,
// client and server. As our client it falls short, read in v0.6.0: it parses
// and re-encodes each vCard, so that the server's bytes are gone; it reads a
// multistatus without a limit; it follows redirects; it drops the host of an
// href unseen; it refuses weak ETags; and it gives neither getctag, nor Retry-After,
// nor what a member's missing property means for the whole listing.
package dav
