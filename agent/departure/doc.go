// Package departure holds the words of the domain as types and the one check
// table that says whether a departure may go on, and whether the account may
// be deleted.
//
// It imports nothing of ours and does no I/O: [Evaluate] is a pure function of
// what was observed ([Facts]), what is known of the provider ([Profile]), what
// the device's policy allows ([Policy]) and the time.
//
// Invariants:
//   - Unknown is never ready: a zero value of any fact is read as "not known".
//   - A check holds only as pass, waived, attested or n/a; nothing else does.
//   - What a person said counts only once an authorisation carries it.
//   - Two verdicts with one Basis rest on the same observations and words.
package departure
