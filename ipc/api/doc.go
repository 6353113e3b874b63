// Package api is the one table of what the agent can be asked: each method
// with its route, its access class, its request and answer and the command
// that uses it, and each kind of error with its status and exit code. Every
// transport, the client and the command line are built from it.
//
// It imports the agent alone and opens nothing.
//
// Invariants:
//   - Each method of [Methods] has exactly one entry; [Check] fails otherwise,
//     and a transport that does not pass Check does not start.
//   - A request is decoded by a closed schema: unknown fields, data after the
//     end and anything above [MaxRequest] bytes are refused.
package api
