package agent

import "github.com/clearance-project/clearance/agent/engine"

// The ports that the platform fills, declared by the packages that use them.
type (
	// Worker sees the user's data: sources, server, destination.
	Worker = engine.Worker
	// Tracker is Find My Device on the system bus.
	Tracker = engine.Tracker
	// Store keeps the departures.
	Store = engine.Store
	// Clock is the time.
	Clock = engine.Clock
)
