// Package lint checks files of the provider catalogue without the agent: what an
// organisation writes about a provider is held against the JSON Schema that the
// agent publishes and against the agent's own reading of it.
//
// It imports agent/provider and a JSON Schema validator, and reads files.
//
// Invariants:
//   - A file without a fault here is one that the agent takes, and the other
//     way round: the schema only says more plainly what the agent would refuse.
//   - Each fault names the file, the field and what to do.
//   - No file is read further than its limit, and none is followed that is not
//     a regular file.
package lint
