// Package apitest is an agent for tests of what talks to one: the real
// agent.Service over a [World] in memory, served on a real socket.
//
// It imports the agent, ipc/api, ipc/authz and ipc/httpd, and is linked by
// tests alone.
package apitest
