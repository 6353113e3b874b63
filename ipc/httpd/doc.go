// Package httpd serves the table of ipc/api as HTTP and JSON over a unix
// socket, under /v1, with server-sent events for what changes.
//
// It imports the agent and ipc/api and ipc/authz.
//
// Invariants:
//   - The caller is bound to its connection when that is accepted.
//   - A call is authorised before a byte of its body is read.
//   - A table with a gap does not start; a route that is not in it is refused.
//   - Every call and every write has a deadline, and Serve returns only after
//     every goroutine that it started has ended.
//   - The log holds methods, kinds and uids; never a body, a path or a secret.
package httpd
