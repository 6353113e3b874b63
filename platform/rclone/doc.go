// Package rclone reads the remotes that rclone is signed in to, and where they are
// mounted. It is a binding.Place.
//
// It imports agent/departure (for the words), backup/place (for the mounts), platform/binding,
// platform/inifile and platform/xdg.
//
// Invariants:
//   - It writes nothing: a remote is removed by the person, with rclone.
//   - A configuration that cannot be read to its end is an error. One that is
//     encrypted is an entry that the person looks into, and of which nothing is known.
//   - Passwords and tokens are passed over.
//
// Sources: rclone's documentation, "Configure" and "rclone config", the pages of
// its storage systems, fs/config/configfile and fs/config/crypt.go. That a name
// which is there twice is one remote was seen with rclone 1.60 ("config dump").
package rclone
