// Package bindingtest holds every adapter of the places where an account can be
// registered to what the port of platform/binding promises.
//
//	func TestContractBindings(t *testing.T) {
//		t.Run("rclone", func(t *testing.T) { bindingtest.Run(t, newRig) })
//	}
//
// newRig makes a device with nothing on it and says how a person signs in and
// out there. [Fake] is a place in memory that passes, for tests of what uses
// places.
//
// It imports platform/binding and agent/departure; only tests import it.
//
// Invariants:
//   - Every test has a device of its own, and every wait a deadline.
//   - What a place cannot do (leave something behind, be blocked) its rig
//     leaves out; that it can be listed, removed or guided, read back, heard and
//     broken it cannot leave out.
package bindingtest
