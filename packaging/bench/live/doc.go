// Package live measures the running agent on the real platform of
// packaging/stage: goa-daemon, evolution-data-server, a keyring, and a
// Nextcloud-shaped server on loopback.
//
// It imports the stage, the client, the adapters that it measures and
// packaging/bench's report.
package live
