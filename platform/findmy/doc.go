// Package findmy is the agent's side of org.clearance.FindMyDevice1: it asks
// the implementers of Find My Device on the system bus, turns one off with the
// owner's proof, and tells of changes. It fills the Tracker port of the engine.
//
// It imports agent/departure and agent/engine for that port, and platform/bus.
// It never looks at a session bus: whoever is on one could say "off".
//
// Invariants:
//
//   - An implementer counts only when the uid behind its bus name, as the bus
//     itself says it, is 0 or stands with that name in the root-owned file
//     [DefaultAllowFile]. One that does not count is never asked anything.
//   - The check and the call cannot come apart: the call goes to the unique
//     name whose uid was checked (a bus never gives a unique name twice), and
//     afterwards the well-known name must still be that one's.
//   - What cannot be read, has another type, is too long, or was met before and
//     is gone, is unknown. Unknown is never off.
//   - Only the implementer that speaks for the very account is turned off or on.
//
// The wire format stands in this package's wire.go, for device makers with the
// reference service in platform/devicesim.
package findmy
