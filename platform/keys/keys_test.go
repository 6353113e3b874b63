package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/clearance-project/clearance/agent/gate"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sys/unix"
)

var _ gate.Signer = (*Ring)(nil)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRing(t *testing.T) (*Ring, string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "keys")
	r, err := open(folder, "")
	must(t, err)
	return r, folder
}

func sign(t *testing.T, r *Ring, typ string) string {
	t.Helper()
	token, err := r.Sign(typ, []byte(`{"a":1}`))
	must(t, err)
	return token
}

func TestKeyIsPrivateAndStays(t *testing.T) {
	r, folder := newRing(t)
	for path, want := range map[string]os.FileMode{
		folder: 0o700 | os.ModeDir, filepath.Join(folder, keyFile): 0o600, filepath.Join(folder, publicFile): 0o600,
		filepath.Join(folder, secretFile): 0o600,
	} {
		fi, err := os.Lstat(path)
		must(t, err)
		if fi.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, fi.Mode(), want)
		}
	}
	again, err := open(folder, "")
	must(t, err)
	if again.ID() != r.ID() || again.Place() != InFile {
		t.Errorf("opened again: key %s in %s, was %s", again.ID(), again.Place(), r.ID())
	}
	must(t, again.Rotate())
	if !bytes.Equal(again.Secret(), r.Secret()) || len(r.Secret()) != secretSize || bytes.Equal(r.Secret(), make([]byte, secretSize)) {
		t.Error("the secret of pairwise names is not 32 bytes that stay")
	}
	entries, err := os.ReadDir(folder)
	must(t, err)
	if len(entries) != 3 {
		t.Errorf("left in the folder: %v", entries)
	}
}

// A second program that holds only the public key checks the token.
func TestTokenIsVerifiedByThePublicKeyAlone(t *testing.T) {
	r, _ := newRing(t)
	token := sign(t, r, Receipt)
	raw, err := r.JWKS()
	must(t, err)
	if bytes.Contains(raw, []byte(`"d"`)) {
		t.Fatal("the public set holds a private key")
	}
	var set jose.JSONWebKeySet
	must(t, json.Unmarshal(raw, &set))
	payload, err := verify(set.Keys, token, Receipt)
	must(t, err)
	if string(payload) != `{"a":1}` {
		t.Errorf("payload %s", payload)
	}
	head, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
	must(t, err)
	var header map[string]string
	must(t, json.Unmarshal(head, &header))
	if header["alg"] != "EdDSA" || header["typ"] != "clearance-receipt+jwt" || header["kid"] != r.ID() || len(header) != 3 {
		t.Errorf("header %v", header)
	}
}

// The example of RFC 8037 appendix A.3.
func TestKeyIDIsTheThumbprintOfTheRFC(t *testing.T) {
	x, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	must(t, err)
	k, err := asJWK(x)
	must(t, err)
	if k.KeyID != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("key id %s", k.KeyID)
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	r, _ := newRing(t)
	other, _ := newRing(t)
	good := sign(t, r, Permit)
	parts := strings.Split(good, ".")
	enc := base64.RawURLEncoding.EncodeToString
	none := enc([]byte(`{"alg":"none","typ":"clearance-permit+jwt","kid":"`+r.ID()+`"}`)) + "." + parts[1] + "."
	hmac, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{
		Key: []byte(r.ID()), KeyID: r.ID(),
	}}, (&jose.SignerOptions{}).WithType(jose.ContentType(Permit)))
	must(t, err)
	signed, err := hmac.Sign([]byte(`{"a":1}`))
	must(t, err)
	symmetric, err := signed.CompactSerialize()
	must(t, err)
	for name, token := range map[string]string{
		"another type":         sign(t, r, Receipt),
		"another agent's":      sign(t, other, Permit),
		"no algorithm":         none,
		"symmetric":            symmetric,
		"another payload":      parts[0] + "." + enc([]byte(`{"a":2}`)) + "." + parts[2],
		"signature of another": parts[0] + "." + parts[1] + "." + strings.Split(sign(t, r, Receipt), ".")[2],
		"cut":                  good[:len(good)-4],
		"empty":                "",
		"words":                "a.b.c",
		"too long":             strings.Repeat("a", 3*maxPayload),
	} {
		if _, err := r.Verify(token, Permit); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Verify(good, Permit); err != nil {
		t.Error(err)
	}
	if _, err := r.Sign("jwt", nil); err == nil {
		t.Error("a token of an unknown type was signed")
	}
	if _, err := r.Sign(Permit, make([]byte, maxPayload+1)); err == nil {
		t.Error("a payload beyond the limit was signed")
	}
}

func TestRotationKeepsOldPublicKeys(t *testing.T) {
	r, folder := newRing(t)
	old, oldID := sign(t, r, Receipt), r.ID()
	for range 3 {
		must(t, r.Rotate())
	}
	again, err := open(folder, "")
	must(t, err)
	if again.ID() != r.ID() || again.ID() == oldID || len(again.public) != 4 {
		t.Fatalf("after three rotations: key %s of %d, was %s", again.ID(), len(again.public), oldID)
	}
	for _, ring := range []*Ring{r, again} {
		if _, err := ring.Verify(old, Receipt); err != nil {
			t.Errorf("an old receipt: %v", err)
		}
		if _, err := ring.Verify(sign(t, again, Receipt), Receipt); err != nil {
			t.Errorf("a new receipt: %v", err)
		}
	}
}

// Wherever the power fails in a rotation, the key that signs is in the set.
func TestCrashBetweenPublicAndPrivateKey(t *testing.T) {
	r, folder := newRing(t)
	token := sign(t, r, Permit)
	fresh, err := generate()
	must(t, err)
	public, err := publicKey(fresh)
	must(t, err)
	f, err := openFolder(folder)
	must(t, err)
	must(t, f.writePublic(append([]jose.JSONWebKey{public}, r.public...)))
	f.close()
	again, err := open(folder, "")
	must(t, err)
	if again.ID() != r.ID() || again.public[0].KeyID != r.ID() {
		t.Fatalf("key %s, first public key %s, want %s", again.ID(), again.public[0].KeyID, r.ID())
	}
	if _, err := again.Verify(token, Permit); err != nil {
		t.Error(err)
	}
	// The public keys lost: the current one is there again at once.
	must(t, os.Remove(filepath.Join(folder, publicFile)))
	again, err = open(folder, "")
	must(t, err)
	if _, err := again.Verify(token, Permit); err != nil {
		t.Error(err)
	}
}

func TestFolderAndFilesThatAreRefused(t *testing.T) {
	root := os.Geteuid() == 0
	for name, spoil := range map[string]func(t *testing.T, folder string){
		"folder open to others": func(t *testing.T, f string) { must(t, os.Chmod(f, 0o750)) },
		"folder setgid":         func(t *testing.T, f string) { must(t, os.Chmod(f, 0o700|os.ModeSetgid)) },
		"folder is a link": func(t *testing.T, f string) {
			must(t, os.Rename(f, f+"2"))
			must(t, os.Symlink(f+"2", f))
		},
		"folder is a file": func(t *testing.T, f string) {
			must(t, os.RemoveAll(f))
			must(t, os.WriteFile(f, nil, 0o700))
		},
		"folder of another user": func(t *testing.T, f string) {
			if !root {
				t.Skip("needs root")
			}
			must(t, os.Chown(f, 12345, 0))
		},
		"key readable by others": func(t *testing.T, f string) { must(t, os.Chmod(filepath.Join(f, keyFile), 0o640)) },
		"key of another user": func(t *testing.T, f string) {
			if !root {
				t.Skip("needs root")
			}
			must(t, os.Chown(filepath.Join(f, keyFile), 12345, 0))
		},
		"key is a link": func(t *testing.T, f string) {
			key := filepath.Join(f, keyFile)
			must(t, os.Rename(key, key+"2"))
			must(t, os.Symlink(key+"2", key))
		},
		"key has a second name": func(t *testing.T, f string) {
			must(t, os.Link(filepath.Join(f, keyFile), f+"-copy"))
		},
		"key is a pipe": func(t *testing.T, f string) {
			must(t, os.Remove(filepath.Join(f, keyFile)))
			must(t, unix.Mkfifo(filepath.Join(f, keyFile), 0o600))
		},
		"key is empty":    func(t *testing.T, f string) { must(t, os.WriteFile(filepath.Join(f, keyFile), nil, 0o600)) },
		"key is no key":   func(t *testing.T, f string) { must(t, os.WriteFile(filepath.Join(f, keyFile), []byte("x"), 0o600)) },
		"key is too long": func(t *testing.T, f string) { must(t, os.Truncate(filepath.Join(f, keyFile), maxFile+1)) },
		"public keys writable by others": func(t *testing.T, f string) {
			must(t, os.Chmod(filepath.Join(f, publicFile), 0o666))
		},
		"public keys are no set": func(t *testing.T, f string) {
			must(t, os.WriteFile(filepath.Join(f, publicFile), []byte("{"), 0o600))
		},
		"public key with another's id": func(t *testing.T, f string) {
			path := filepath.Join(f, publicFile)
			raw, err := os.ReadFile(path)
			must(t, err)
			var set jose.JSONWebKeySet
			must(t, json.Unmarshal(raw, &set))
			must(t, os.WriteFile(path, bytes.Replace(raw, []byte(set.Keys[0].KeyID), []byte("other"), 1), 0o600))
		},
		"secret cut short": func(t *testing.T, f string) { must(t, os.Truncate(filepath.Join(f, secretFile), 16)) },
		"in use": func(t *testing.T, f string) {
			held, err := openFolder(f)
			must(t, err)
			t.Cleanup(held.close)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, folder := newRing(t)
			spoil(t, folder)
			if again, err := open(folder, ""); err == nil {
				t.Fatalf("it was accepted, with key %s (was %s)", again.ID(), r.ID())
			}
		})
	}
	if _, err := open("relative", ""); err == nil {
		t.Error("a relative folder was accepted")
	}
}

func TestCredential(t *testing.T) {
	file, folder := newRing(t)
	before := sign(t, file, Receipt)
	credentials := t.TempDir()
	path := filepath.Join(credentials, Credential)

	if r, err := open(folder, credentials); err != nil || r.Place() != InFile {
		t.Fatalf("without a credential in the folder: %v", err)
	}
	_, donor := newRing(t)
	raw, err := os.ReadFile(filepath.Join(donor, keyFile))
	must(t, err)
	must(t, os.WriteFile(path, raw, 0o400))
	r, err := open(folder, credentials)
	must(t, err)
	if r.Place() != InCredential || r.ID() == file.ID() {
		t.Fatalf("key %s in %s", r.ID(), r.Place())
	}
	if _, err := r.Verify(before, Receipt); err != nil {
		t.Errorf("a receipt from before the credential: %v", err)
	}
	if err := r.Rotate(); !errors.Is(err, ErrManaged) {
		t.Errorf("rotating a credential: %v", err)
	}
	// A credential that cannot be trusted is never silently left aside.
	must(t, os.Chmod(path, 0o404))
	if _, err := open(folder, credentials); err == nil {
		t.Error("a credential that everyone can read was accepted")
	}
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, []byte("x"), 0o400))
	if _, err := open(folder, credentials); err == nil {
		t.Error("a credential that is no key was left aside")
	}
	// Once it is gone, what it signed can still be verified.
	late := sign(t, r, Receipt)
	must(t, os.Remove(path))
	again, err := open(folder, credentials)
	must(t, err)
	if _, err := again.Verify(late, Receipt); err != nil || again.ID() != file.ID() {
		t.Errorf("after the credential: key %s, %v", again.ID(), err)
	}
}

func TestManyAtOnce(t *testing.T) {
	r, _ := newRing(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				token, err := r.Sign(Permit, []byte("{}"))
				if err == nil {
					_, err = r.Verify(token, Permit)
				}
				if err == nil {
					_, err = r.JWKS()
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		must(t, r.Rotate())
	}
	wg.Wait()
}
