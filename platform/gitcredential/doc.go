// Package gitcredential reads for which servers git and what reads a netrc keep a
// password in a file. It is a binding.Place: each is a bare credential, and brings
// nothing to this device.
//
// It imports platform/binding and xdg.
//
// Invariants:
//   - It writes nothing: a password is removed by the person, with git.
//   - A password that stands in a line is never kept.
//   - A line that is not understood is passed over as git passes over it; a file
//     that cannot be read to its end is an error.
//   - A file that git's settings name and that nobody can tell is an error.
//
// Sources: gitcredentials(7), git-credential-store(1) ("STORAGE FORMAT"),
// git-config(1) and netrc(5) as curl's "The .netrc file format" has it.
package gitcredential
