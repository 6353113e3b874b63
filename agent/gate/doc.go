// Package gate gives out permits and receipts: signed statements that the
// deletion of an account is allowed.
//
// It imports departure and engine. Signing is behind its [Signer] port.
//
// Invariants:
//   - A permit rests on one verdict's Basis, found in a look that ended just
//     before the signature, with every origin fenced.
//   - A permit is redeemed once, after a fresh look whose verdict has the same
//     Basis; burning it and storing its receipt is one transaction.
//   - A permit alone is never permission. A relying party trusts a receipt
//     under 60 seconds old, over its own nonce, by its own clock.
//   - Neither holds a name, a path or an address: the subject is pairwise.
//
// Format: JWS compact (RFC 7515), EdDSA, typ "clearance-permit+jwt" and
// "clearance-receipt+jwt"; the claims are [Claims].
package gate
