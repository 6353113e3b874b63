// Package session starts private desktop sessions: a home folder, a D-Bus
// session bus and a keyring of their own, and on wish a private system bus.
// The demo runs in one, and so does every test that needs real desktop
// services (through the sessiontest package).
//
// It imports the standard library, golang.org/x/sys and godbus; nothing of
// ours.
//
// Invariants:
//   - Nothing started here can reach the session it was started from: the
//     environment is built from nothing, both bus addresses in it are private,
//     and only the service files that Options names can be activated.
//   - A session runs as an unprivileged user. Root must name one.
//   - Close ends every process that the session started, those that the bus
//     activated included, and waits for their end.
package session
