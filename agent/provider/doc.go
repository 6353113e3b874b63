// Package provider is the catalogue: what is known about the companies whose
// accounts people leave, as data. There is one JSON file a provider under
// catalogue/, embedded in the program, and a folder given by the daemon can
// replace or add files.
//
// It imports the standard library alone and does no I/O of its own: it reads
// the embedded files and the fs.FS that it is handed (encoding/json, io/fs,
// net/url for parsing; never os or net).
//
// Invariants:
//   - Every fact has a source and a confidence. Only a fact of confidence H is
//     ever relied on (Profile.Relied); the others explain, block or ask.
//   - A catalogue fact never turns missing data into a pass. The one statement
//     that a check may rest on is Profile.RunsNoTracker, and it needs an H fact.
//   - A provider that has no file, or a file with "known": false, is an unknown
//     profile: its tracker is unknown and it has no way to delete.
//   - The schema is closed. A file with an unknown, repeated or missing field
//     refuses the whole catalogue by name, so half of one is never used.
//   - A Profile is read-only once loaded: callers share its slices.
package provider
