// Package client is the Go client of the agent's socket: the methods of
// ipc/api's table, typed, each error an *agent.Error with its kind.
//
// It imports the agent and ipc/api, and links no cgo.
//
// Invariants:
//   - It speaks only to a socket that this user or root serves.
//   - Every call has a deadline; waiting for a job and watching end with their
//     context.
//   - An agent that does not answer is an error of kind unavailable that says
//     how to start it.
package client
