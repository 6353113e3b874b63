// Package store keeps the agent's records in SQLite.
//
// It imports agent/engine for the port that it fills, and mattn/go-sqlite3,
// which nothing else but platform/sqliteread may.
//
// Invariants:
//   - Every change is one transaction of [Store.tx]; a record and its events
//     share it. When a write returns, it survives a power cut: WAL with
//     synchronous=FULL (measured: WAL with NORMAL lost committed rows).
//   - One connection writes; BEGIN IMMEDIATE, so two writers queue instead of
//     failing half-way.
//   - The schema itself holds what must never happen: one open departure of an
//     account, one act of a grant, one receipt of a permit.
//   - A newer schema, or a file of another program, is refused.
package store
