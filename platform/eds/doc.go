// Package eds is the adapter for evolution-data-server (EDS): the address
// books, calendars, task lists and memo lists of a GNOME desktop, local ones
// and the cached copies of an account's.
//
// It may import platform/bus, platform/gkeyfile and platform/secrets,
// backup/source for what a vCard is, and platform/binding with agent/departure
// for the port that [ByHand] fills, and nothing else of ours. Facts stated here were measured on EDS 3.46.
//
// Invariants:
//   - EDS tells half-truths. A store that copies a remote collection opens,
//     lists nothing and says that it is online when its server was never
//     reached. A Listing therefore carries Evidence, and only a store whose
//     items live in EDS itself gives EvidenceOrigin.
//   - Every wait has a deadline: opening a store whose folder cannot be made
//     is never answered by EDS. Replies of a wrong type are ErrReply, a dead
//     or restarted factory is ErrUnavailable, a source that was removed is
//     ErrGone, although its open store goes on answering.
//   - Items are listed by UID and revision first and fetched in batches of a
//     few megabytes: a reply of 128 MiB kills the factory.
//   - Nothing in EDS is changed or removed except by Create and Keep, which
//     add, and by ByHand.Remove, which removes one source by its exact uid. Keep
//     never overwrites what it finds.
//   - Reading raises no Event that counts: opening a store makes EDS set
//     ConnectionStatus, which is reported as StatusChanged alone.
package eds
