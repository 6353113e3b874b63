// Package devicesvc is the service behind the reference implementer of
// org.clearance.FindMyDevice1: for the demo, for tests, and as a model for
// device makers. It is a simulator and says so; it is never packaged.
//
// It imports platform/findmy for the words of the wire.
//
// Invariants, which a real implementer should keep too:
//
//   - Who calls is what the bus says of the message's sender, asked anew for
//     each call; without an answer the call is refused. Readers see an account's
//     name, so reading is for the same callers as acting.
//   - The provider checks the proof, at its own server. Anything but a clear
//     "right" leaves the state as it is.
//   - A new state is durable before it is told of, and told of before the call
//     is answered. Signals on the system bus carry no values.
package devicesvc
