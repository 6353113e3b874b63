// Package bus is a connection to a D-Bus bus that reconnects, and that delivers
// what it hears in order.
//
// It imports the standard library and godbus; nothing of ours.
//
// Invariants:
//   - Events reach a subscription one at a time and in the order in which the
//     bus sent them. What was lost is said: after Up, Overflow and Owner a
//     subscriber must look again.
//   - A signal counts only from the present owner of the name that its rule
//     names. Anybody may send a signal straight to us; nobody may forge its
//     sender.
//   - Every call has a deadline, and no call waits for the bus to come back.
//   - A reply of another type than was asked for is an error, never a value: no
//     conversion, no zero value.
//   - No file descriptor is ever accepted from the bus.
package bus
