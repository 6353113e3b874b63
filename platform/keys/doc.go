// Package keys holds the agent's signing key and signs permits, receipts and
// lists with it.
//
// It imports nothing of ours. It does file I/O in one folder.
//
// Invariants:
//
//   - The private key is read from a file that only this process's user can
//     read, in a folder that only this user can enter, or from a systemd
//     credential; any other owner, mode, kind of file or link is refused, never
//     repaired: whoever could read it may have copied it.
//   - A key is durable before it signs. A public key that was ever used to sign
//     is in the JWKS for good, so that old receipts can still be checked: it is
//     written there before the key signs anything.
//   - One algorithm (EdDSA, Ed25519), an explicit type and a key id in every
//     token (security.md 12). The private key never leaves the package.
//
// Formats: private key PKCS #8 in PEM (RFC 5958, RFC 7468), public keys as JWK
// set (RFC 7517, RFC 8037), key ids as JWK thumbprints with SHA-256 (RFC 7638),
// tokens as JWS compact serialisation (RFC 7515).
package keys
