// Package boot tests the program as a service of a real, booted systemd: its
// test boots this machine's own system in a throw-away container (systemd-nspawn
// over an overlay whose upper layer is memory) and installs, starts, asks,
// kills, stops and uninstalls clearanced there.
//
// It imports nothing of ours: what it tests is the program. It needs root and
// systemd-nspawn, and says loudly where it cannot run.
package boot
