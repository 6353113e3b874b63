// Package engine runs departures: it looks, evaluates the check table, runs
// the steps whose needs hold, retries, waits, and survives a crash at every
// store write.
//
// It imports departure alone and does no I/O of its own: everything outside is
// behind the ports of this package.
//
// Invariants:
//   - A reversible step that no longer holds runs again: done is not sticky.
//   - An irreversible act never runs again by itself. A grant is used up by
//     exactly one intent row, made durable before the act.
//   - Every change of a source that counts raises the epoch, at once and
//     undebounced; only the waking is throttled.
//   - Nothing about the epoch is durable: a start revokes every permit.
package engine
