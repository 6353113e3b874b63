// Package copy brings items from their sources into a bag, and answers what of
// a listing is in it.
//
// It imports backup/source, scan, bag, ledger and verify.
//
// Invariants:
//   - An item is read only if the ledger does not hold it with the revision
//     listed, or holds it from a moment too near to a change.
//   - It is listed in the ledger only after its bytes and its line in the
//     journal are durable.
//   - A file is copied only from one state: its stamps before and after the
//     reading agree; after three tries it is a failure, by name.
//   - A failing item never stops the others. A failing destination stops the
//     run; what was acknowledged is kept, and the next run goes on from there.
//   - A run in which anything failed, or whose listing may lack items, ends as
//     [Partial], never as [Complete].
package copy
