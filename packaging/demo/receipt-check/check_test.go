package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	now   = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	nonce = "0123456789abcdefghij"
)

type agent struct {
	id      string
	private ed25519.PrivateKey
}

func newAgent(t *testing.T, id string) agent {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return agent{id, private}
}

func (a agent) public() ed25519.PublicKey { return a.private.Public().(ed25519.PublicKey) }

func (a agent) jwk() string {
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":%q,"kid":%q,"alg":"EdDSA","use":"sig"}`, b64(a.public()), a.id)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (a agent) sign(header, payload string) string {
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	return input + "." + b64(ed25519.Sign(a.private, []byte(input)))
}

func header(alg, typ, kid string) string {
	return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":%q}`, alg, kid, typ)
}

func (a agent) receipt(payload string) string {
	return a.sign(header("EdDSA", receiptType, a.id), payload)
}

// payload is a sound receipt's, with changes; nil removes a claim.
func payload(changes map[string]any) string {
	c := map[string]any{
		"iss": "clearance", "jti": "r-1", "sub": "p", "aud": "demo", "iat": now.Unix() - 2, "exp": now.Unix() + 58, "eat_nonce": nonce, "boot": "b",
		"provider": "nextcloud", "intent": "delete", "state": "signed-out", "basis": "d", "assurance": "personal", "permit": "p-1",
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

type result struct {
	code      int
	out, errs string
}

func runWith(t *testing.T, keys, token string, args ...string) result {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if args == nil {
		args = []string{"--audience", "demo", "--nonce", nonce}
	}
	code := run(append([]string{"--keys", file}, args...), strings.NewReader(token), &out, &errs, now)
	return result{code, out.String(), errs.String()}
}

func TestCheck(t *testing.T) {
	a, other := newAgent(t, "k1"), newAgent(t, "k2")
	keys := `{"keys":[{"kty":"RSA","n":"x","e":"AQAB","kid":"r"},` + a.jwk() + "]}"
	good := a.receipt(payload(nil))
	parts := strings.Split(good, ".")
	withMAC := func(head string, secret []byte) string {
		input := b64([]byte(head)) + "." + parts[1]
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return input + "." + b64(mac.Sum(nil))
	}
	claim := func(name string, v any) string { return a.receipt(payload(map[string]any{name: v})) }
	for_ := func(audience string) []string { return []string{"--audience", audience, "--nonce", nonce} }
	permit := append(for_("demo"), "--permit")
	signedPermit := func(p string) string { return a.sign(header("EdDSA", permitType, a.id), p) }

	tests := []struct {
		name, token string
		args        []string
		want        string // of the output; the code is 0 if it begins with OK, else 1
	}{
		{"sound", good, nil, "OK"},
		{"sound, white space around", "\n" + good + "\n", nil, "OK"},
		{"sound, 60 s", a.receipt(payload(map[string]any{"iat": now.Unix() - 60, "exp": now.Unix() + 1})), nil, "OK"},
		{"the permit that was meant", good, append(for_("demo"), "--redeems", "p-1"), "OK"},
		{"another permit", good, append(for_("demo"), "--redeems", "p-2"), `redeems permit "p-1"`},

		{"alg none", b64([]byte(header("none", receiptType, a.id))) + "." + parts[1] + ".", nil, `signed with "none"`},
		{"alg None with signature", a.sign(header("None", receiptType, a.id), payload(nil)), nil, `signed with "None"`},
		{"HS256 with the public key", withMAC(header("HS256", receiptType, a.id), a.public()), nil, `signed with "HS256"`},
		{"HS256 with the key file", withMAC(header("HS256", receiptType, a.id), []byte(keys)), nil, `signed with "HS256"`},
		{"MAC called EdDSA", withMAC(header("EdDSA", receiptType, a.id), a.public()), nil, "signature does not match"},
		{"alg in another case", a.sign(`{"ALG":"EdDSA","kid":"k1","typ":"`+receiptType+`"}`, payload(nil)), nil, `holds "ALG"`},
		{"alg twice", a.sign(`{"alg":"none","alg":"EdDSA","kid":"k1","typ":"`+receiptType+`"}`, payload(nil)), nil, `names "alg" twice`},
		{"key in the header", other.sign(`{"alg":"EdDSA","kid":"k2","typ":"`+receiptType+`","jwk":`+other.jwk()+`}`, payload(nil)), nil, `holds "jwk"`},
		{"crit", a.sign(`{"alg":"EdDSA","kid":"k1","typ":"`+receiptType+`","crit":["b64"],"b64":false}`, payload(nil)), nil, "not part of this format"},
		{"unknown key", other.receipt(payload(nil)), nil, `key "k2", which is not among`},
		{"wrong key under a known name", agent{"k1", other.private}.receipt(payload(nil)), nil, "signature does not match"},
		{"no kid", a.sign(`{"alg":"EdDSA","typ":"`+receiptType+`"}`, payload(nil)), nil, `key ""`},
		{"payload changed", parts[0] + "." + b64([]byte(payload(map[string]any{"iat": now.Unix()}))) + "." + parts[2], nil, "signature does not match"},
		{"signature changed", good[:len(good)-8] + "AAAAAAAA", nil, ""},
		{"signature in another spelling", good + "=", nil, "signature is not base64url"},
		{"line end within", parts[0] + "." + parts[1] + ".\n" + parts[2], nil, "signature is not base64url"},
		{"no signature", parts[0] + "." + parts[1], nil, "2 parts"},
		{"four parts", good + ".x", nil, "4 parts"},
		{"nothing", "", nil, "1 parts"},
		{"payload is a list", a.receipt("[]"), nil, "not a JSON object"},
		{"payload with a tail", a.receipt(payload(nil) + "{}"), nil, "something behind it"},
		{"claim twice", a.receipt(strings.Replace(payload(nil), `{`, `{"aud":"other",`, 1)), nil, `names "aud" twice`},

		{"another nonce", claim("eat_nonce", "another-nonce-another"), nil, "another nonce"},
		{"no nonce", claim("eat_nonce", nil), nil, `does not say "eat_nonce"`},
		{"nonces in a list", claim("eat_nonce", []string{nonce, "x"}), nil, `does not say "eat_nonce"`},
		{"another audience", good, for_("mdm.example"), `for "demo", not for "mdm.example"`},
		{"audiences in a list", claim("aud", []string{"demo"}), nil, `does not say "aud"`},
		{"61 s old", a.receipt(payload(map[string]any{"iat": now.Unix() - 61})), nil, "61 s old"},
		{"from the future", a.receipt(payload(map[string]any{"iat": now.Unix() + 30, "exp": now.Unix() + 60})), nil, "30 s in the future"},
		{"ran out", a.receipt(payload(map[string]any{"exp": now.Unix()})), nil, "ran out 0 s ago"},
		{"holds too long", a.receipt(payload(map[string]any{"exp": now.Unix() + 3600})), nil, "at most 300"},
		{"no iat", claim("iat", nil), nil, `"iat" is not a time`},
		{"iat with a fraction", claim("iat", float64(now.Unix())+0.5), nil, `"iat" is not a time`},
		{"iat in words", claim("iat", strconv.FormatInt(now.Unix(), 10)), nil, `"iat" is not a time`},
		{"iat beyond time", claim("iat", 1e18), nil, `"iat" is not a time`},
		{"about signing out", claim("intent", "sign-out"), nil, `about "sign-out"`},

		{"simulated, demo", claim("sim", true), nil, "OK"},
		{"simulated, elsewhere", a.receipt(payload(map[string]any{"sim": true, "aud": "shop"})), for_("shop"), "simulated device"},
		{"simulated, demo in another case", a.receipt(payload(map[string]any{"sim": true, "aud": "Demo"})), for_("Demo"), "simulated device"},
		{"simulated in words", claim("sim", "yes"), nil, "neither true nor false"},
		{"attested", claim("assurance", "attested"), nil, "what a person said"},
		{"attested, accepted", a.receipt(payload(map[string]any{"assurance": "attested", "aud": "shop+attested"})), for_("shop+attested"), "OK"},
		{"assurance unheard of", claim("assurance", "sure"), nil, `assurance "sure"`},
		{"waived is told", claim("waived", []string{"kept.here"}), nil, "OK"},
		{"two things wrong", a.receipt(payload(map[string]any{"aud": "x", "intent": "switch"})), nil, `about "switch"`},

		{"a permit is no receipt", signedPermit(payload(nil)), nil, `its type is "clearance-permit+jwt"`},
		{"a receipt is no permit", good, permit, `its type is "clearance-receipt+jwt"`},
		{"permit", signedPermit(payload(map[string]any{"permit": nil, "iat": now.Unix() - 200, "exp": now.Unix() + 100})), permit, "OK"},
		{"permit that ran out", signedPermit(payload(map[string]any{"permit": nil, "iat": now.Unix() - 300, "exp": now.Unix() - 1})), permit, "ran out 1 s ago"},
		{"receipt without its permit", claim("permit", nil), nil, `does not say "permit"`},
		{"no type", a.sign(`{"alg":"EdDSA","kid":"k1"}`, payload(nil)), nil, `its type is ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := runWith(t, keys, tt.token, tt.args...)
			code := exitRefused
			if tt.want == "OK" {
				code = exitHolds
			}
			if got.code != code || !strings.Contains(got.out, tt.want) || strings.HasPrefix(got.out, "OK") != (code == exitHolds) {
				t.Errorf("code %d\n%s%s\nwant %d and %q", got.code, got.out, got.errs, code, tt.want)
			}
		})
	}
	if out := runWith(t, keys, a.receipt(payload(map[string]any{"aud": "x", "intent": "switch"}))).out; strings.Count(out, "\n  - ") != 2 {
		t.Errorf("two things are wrong, told was:\n%s", out)
	}
	if out := runWith(t, keys, claim("waived", []string{"kept.here"})).out; !strings.Contains(out, "passed over by the owner: kept.here") {
		t.Errorf("a waived check is not told:\n%s", out)
	}
}

func TestCannotCheck(t *testing.T) {
	a := newAgent(t, "k1")
	keys, good := `{"keys":[`+a.jwk()+"]}", a.receipt(payload(nil))
	tests := []struct {
		name, keys, token string
		args              []string
		want              string
	}{
		{"no audience", keys, good, []string{"--nonce", nonce}, "--audience"},
		{"no nonce", keys, good, []string{"--audience", "demo"}, "--nonce"},
		{"short nonce", keys, good, []string{"--audience", "demo", "--nonce", "x"}, "--nonce"},
		{"unknown flag", keys, good, []string{"--trust-me"}, "trust-me"},
		{"no such file", keys, good, []string{"--audience", "demo", "--nonce", nonce, "/does/not/exist"}, "cannot read the token"},
		{"keys are no JSON", "hello", good, nil, "not a JSON object"},
		{"keys are none", `{"keys":[]}`, good, nil, "no Ed25519 signing key"},
		{"no list", `{"keys":7}`, good, nil, "no list"},
		{"private key", `{"keys":[` + strings.Replace(a.jwk(), "{", `{"d":"AA",`, 1) + `]}`, good, nil, "private key"},
		{"key for encryption", `{"keys":[` + strings.Replace(a.jwk(), `"sig"`, `"enc"`, 1) + `]}`, good, nil, "no Ed25519 signing key"},
		{"short key", `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA","kid":"k1"}]}`, good, nil, "is not 32 bytes"},
		{"one name for two", `{"keys":[` + a.jwk() + "," + a.jwk() + `]}`, good, nil, "no name of its own"},
		{"endless token", keys, strings.Repeat("A", maxInput+1), nil, "larger than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := runWith(t, tt.keys, tt.token, tt.args...); got.code != exitUnknown || !strings.Contains(got.errs, tt.want) || got.out != "" {
				t.Errorf("code %d, %q, %q", got.code, got.out, got.errs)
			}
		})
	}
}

func TestReadsFile(t *testing.T) {
	a := newAgent(t, "k1")
	file := filepath.Join(t.TempDir(), "receipt.jwt")
	if err := os.WriteFile(file, []byte(a.receipt(payload(nil))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := runWith(t, `{"keys":[`+a.jwk()+"]}", "", "--audience", "demo", "--nonce", nonce, file); got.code != exitHolds {
		t.Errorf("%+v", got)
	}
}

// The second opinion is one only as long as it shares nothing with the first.
func TestImportsStandardLibraryOnly(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if strings.Contains(strings.SplitN(i.Path.Value, "/", 2)[0], ".") {
				t.Errorf("%s imports %s", name, i.Path.Value)
			}
		}
	}
}

func FuzzCheck(f *testing.F) {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	a := agent{"k1", private}
	f.Add(a.receipt(payload(nil)))
	f.Add("e30.e30.AA")
	keys := map[string]publicKey{"k1": a.public()}
	f.Fuzz(func(t *testing.T, token string) {
		if _, wrong := check(token, keys, &expected{typ: receiptType, audience: "demo", nonce: nonce, now: now}); len(wrong) == 0 && token != a.receipt(payload(nil)) {
			t.Errorf("a forgery passes: %q", token)
		}
	})
}
