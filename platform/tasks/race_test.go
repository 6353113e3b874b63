//go:build race

package tasks

// photoBytes is less where the race detector makes parsing a hundred times
// slower; the sizes that matter are tested without it.
const photoBytes = 32 << 10
