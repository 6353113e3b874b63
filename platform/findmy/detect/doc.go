// Package detect finds the programs of this device that can find or lock it: it
// looks for the services, packages and files that the catalogue names, and tells
// of them beside the implementers of org.clearance.FindMyDevice1.
//
// It imports agent/departure, agent/engine, agent/provider and platform/bus.
//
// Invariants:
//   - It only looks. Nothing is stopped, masked, removed or written, and no list
//     of running processes is read: a program that is not running is linked to
//     its account all the same.
//   - A program that is found is said to be here, never to be linked or unlinked:
//     that only its account's own server knows.
//   - What cannot be looked at is unsure, and is told like one that is here. That
//     systemd is not on the bus is no fault: then its files are looked at alone.
package detect
