// Package agent is the facade of the core: [Service] is all that a transport
// calls, and the ports that the platform fills are here as aliases.
//
// It imports the agent's own rooms alone and does no I/O. A transport decides
// who the caller is and whether the method's access class admits them; Service
// decides everything else.
package agent
