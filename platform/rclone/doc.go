// Package rclone reads the remotes that rclone is signed in to, and where they are
// mounted. It is a binding.Place.
//
// It imports backup/place (for the mounts), platform/binding,
// platform/inifile and platform/xdg.
//
// Invariants:
//   - It writes nothing: a remote is removed by the person, with rclone.
//   - A configuration that is encrypted, or cannot be read to its end, is an error.
//   - Passwords and tokens are passed over.
//
// Sources: rclone's documentation, "Configure" and "rclone config", the pages of
// its storage systems, fs/config/configfile and fs/config/crypt.go.
package rclone
