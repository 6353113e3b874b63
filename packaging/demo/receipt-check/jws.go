package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

type publicKey = ed25519.PublicKey

// parseKeys reads a JWK set (RFC 7517) of Ed25519 keys (RFC 8037). Keys of other
// kinds are passed over, for a set may hold some; a private key is an error.
func parseKeys(raw []byte) (map[string]publicKey, error) {
	set, err := object(raw)
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(set["keys"], &list); err != nil {
		return nil, errors.New(`there is no list "keys"`)
	}
	keys := map[string]publicKey{}
	for i, raw := range list {
		jwk, err := object(raw)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if _, private := jwk["d"]; private {
			return nil, fmt.Errorf("key %d is a private key: it does not belong here", i+1)
		}
		if text(jwk["kty"]) != "OKP" || text(jwk["crv"]) != "Ed25519" || !absentOr(jwk["alg"], "EdDSA") || !absentOr(jwk["use"], "sig") {
			continue
		}
		x, err := base64.RawURLEncoding.Strict().DecodeString(text(jwk["x"]))
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("key %d is not %d bytes in base64url", i+1, ed25519.PublicKeySize)
		}
		id := text(jwk["kid"])
		if _, twice := keys[id]; id == "" || twice {
			return nil, fmt.Errorf("key %d has no name of its own (kid)", i+1)
		}
		keys[id] = x
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no Ed25519 signing key")
	}
	return keys, nil
}

func absentOr(raw json.RawMessage, want string) bool { return raw == nil || text(raw) == want }

// verify checks a compact JWS (RFC 7515) with EdDSA (RFC 8037 section 3.1) and
// gives its payload and the key's name. The header must hold alg, kid and typ and
// nothing else: what a verifier does not understand it must not pass.
func verify(token, typ string, keys map[string]publicKey) (payload []byte, key string, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, "", fmt.Errorf("not a compact JWS: %d parts instead of 3", len(parts))
	}
	var plain [3][]byte
	for i, name := range []string{"header", "payload", "signature"} {
		if plain[i], err = decode(parts[i]); err != nil {
			return nil, "", fmt.Errorf("the %s is not base64url", name)
		}
	}
	header, err := object(plain[0])
	if err != nil {
		return nil, "", fmt.Errorf("the header is %w", err)
	}
	for name := range header {
		if name != "alg" && name != "kid" && name != "typ" {
			return nil, "", fmt.Errorf("the header holds %q, which is not part of this format", name)
		}
	}
	if alg := text(header["alg"]); alg != "EdDSA" {
		return nil, "", fmt.Errorf("signed with %q: only EdDSA counts", alg)
	}
	if got := text(header["typ"]); got != typ {
		return nil, "", fmt.Errorf("its type is %q, expected %q", got, typ)
	}
	key = text(header["kid"])
	public, known := keys[key]
	if !known {
		return nil, "", fmt.Errorf("signed with key %q, which is not among the agent's %d public keys", key, len(keys))
	}
	if !ed25519.Verify(public, []byte(parts[0]+"."+parts[1]), plain[2]) {
		return nil, "", errors.New("the signature does not match: forged or changed on the way")
	}
	return plain[1], key, nil
}

// decode takes one spelling of base64url only. The decoder skips line ends.
func decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line end")
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

// object reads a JSON object whose names are all different. encoding/json alone
// would take the last of two, and names in another letter case.
func object(raw []byte) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	out := map[string]json.RawMessage{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errors.New("not a JSON object")
		}
		s, ok := name.(string)
		if _, twice := out[s]; twice || !ok {
			return nil, fmt.Errorf("a JSON object that names %q twice", s)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errors.New("not a JSON object")
		}
		out[s] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("not a whole JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("a JSON object with something behind it")
	}
	return out, nil
}

// text is the string that raw holds, or "".
func text(raw json.RawMessage) string {
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return ""
	}
	return *s
}
