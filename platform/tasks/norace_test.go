//go:build !race

package tasks

// photoBytes is the size of a contact's photo.
const photoBytes = 1 << 20
