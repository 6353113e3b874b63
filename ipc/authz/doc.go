// Package authz says who calls and what they may do: a typed [Caller] taken
// from the kernel when a connection is accepted, and an [Authorizer] that
// admits it to an access class.
//
// It imports the agent and the table's classes.
//
// Invariants:
//   - A caller is a struct, never text. Its zero value is nobody, and nobody
//     is admitted to anything.
//   - What cannot be looked up is denied, or counts as confined.
//   - A confined caller (a sandbox, another namespace) is admitted to read at
//     most, whatever its uid.
package authz
