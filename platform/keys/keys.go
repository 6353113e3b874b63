package keys

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// The types of tokens, the typ header: what a token may be taken for. No other
// is signed.
const (
	Permit  = "clearance-permit+jwt"
	Receipt = "clearance-receipt+jwt"
	List    = "clearance-list+jwt" // what leaving at one's own risk loses
)

// Place says where the private key lives.
type Place string

// The places.
const (
	InFile       Place = "file"
	InCredential Place = "credential" // handed over by systemd (systemd.exec(5), LoadCredential=)
)

// Credential is the name under which a unit may hand the key over; the value is
// the same PEM text as the file's.
const Credential = "clearance-signing-key"

// maxPayload bounds what is signed and what is verified, in bytes.
const maxPayload = 1 << 20

// maxPublic bounds the public keys that are kept.
const maxPublic = 1000

// ErrManaged means that the key comes from a credential, which only whoever
// manages the device can change.
var ErrManaged = errors.New("the signing key is a credential of the service, change it there")

// ErrToken means that a token is not one that this agent signed as this type.
var ErrToken = errors.New("not a token of this agent")

// Ring is the agent's signing key with all public keys that it ever had. Its
// methods may be called from several goroutines.
type Ring struct {
	folder string
	place  Place
	secret []byte

	mu      sync.Mutex
	private ed25519.PrivateKey
	current jose.JSONWebKey   // public
	public  []jose.JSONWebKey // every one ever used, the current one first
}

// Open reads the key of a state folder and makes one where there is none. The
// folder is made with mode 0700; one that others can enter is refused. Where
// systemd handed over a credential (see [Credential]; the environment's
// CREDENTIALS_DIRECTORY), that is the key and the folder keeps public keys
// alone; a credential that cannot be used is an error, never ignored.
func Open(folder string) (*Ring, error) {
	return open(folder, os.Getenv("CREDENTIALS_DIRECTORY"))
}

func open(folder, credentials string) (*Ring, error) {
	f, err := openFolder(folder)
	if err != nil {
		return nil, fmt.Errorf("cannot open the signing key: %w", err)
	}
	defer f.close()
	r := &Ring{folder: folder, place: InFile}
	if r.private, err = readCredential(credentials); err != nil {
		return nil, fmt.Errorf("cannot use the signing key of the service's credential: %w", err)
	}
	if r.private != nil {
		r.place = InCredential
	} else if r.private, err = f.readKey(); err != nil {
		return nil, fmt.Errorf("cannot read the signing key: %w", err)
	}
	if r.public, err = f.readPublic(); err != nil {
		return nil, fmt.Errorf("cannot read the public keys: %w", err)
	}
	if r.secret, err = f.readSecret(); err != nil {
		return nil, fmt.Errorf("cannot read the secret of pairwise names: %w", err)
	}
	private, write := r.private, r.private == nil
	if write {
		if private, err = generate(); err != nil {
			return nil, err
		}
	}
	if err := r.take(f, private, write); err != nil {
		return nil, err
	}
	return r, nil
}

// generate makes a new private key.
func generate() (ed25519.PrivateKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make a signing key: %w", err)
	}
	return private, nil
}

// take makes a key the current one. Its public half is durable before the key
// itself: a crash between leaves a public key that signed nothing.
func (r *Ring) take(f *stateFolder, private ed25519.PrivateKey, write bool) error {
	current, err := publicKey(private)
	if err != nil {
		return err
	}
	public := slices.DeleteFunc(slices.Clone(r.public), func(k jose.JSONWebKey) bool { return k.KeyID == current.KeyID })
	if len(public) >= maxPublic {
		return fmt.Errorf("cannot add a signing key: there are %d already", maxPublic)
	}
	public = slices.Insert(public, 0, current)
	if len(r.public) == 0 || r.public[0].KeyID != current.KeyID {
		if err := f.writePublic(public); err != nil {
			return fmt.Errorf("cannot write the public keys: %w", err)
		}
	}
	if write {
		if err := f.writeKey(private); err != nil {
			return fmt.Errorf("cannot write the signing key: %w", err)
		}
	}
	r.private, r.current, r.public = private, current, public
	return nil
}

// publicKey is the public half as JWK, with its thumbprint as id.
func publicKey(private ed25519.PrivateKey) (jose.JSONWebKey, error) {
	public, ok := private.Public().(ed25519.PublicKey)
	if !ok {
		return jose.JSONWebKey{}, errors.New("cannot use a signing key that is not Ed25519")
	}
	return asJWK(public)
}

// Rotate makes a new key the current one; what the old one signed can still be
// verified. With a credential it returns ErrManaged.
func (r *Ring) Rotate() error {
	if r.place != InFile {
		return fmt.Errorf("cannot rotate the signing key: %w", ErrManaged)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := openFolder(r.folder)
	if err != nil {
		return fmt.Errorf("cannot rotate the signing key: %w", err)
	}
	defer f.close()
	fresh, err := generate()
	if err != nil {
		return err
	}
	return r.take(f, fresh, true)
}

// ID is the current key's id: the base64url thumbprint of RFC 7638.
func (r *Ring) ID() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current.KeyID
}

// Place says where the private key lives; permits carry it.
func (r *Ring) Place() Place { return r.place }

// Secret is 32 random bytes that stay the same for the life of the folder and
// never leave this device: what an account is called towards each audience is
// derived from them.
func (r *Ring) Secret() []byte { return slices.Clone(r.secret) }

// JWKS is every public key, the current one first, as a JWK set.
func (r *Ring) JWKS() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out, err := json.Marshal(jose.JSONWebKeySet{Keys: r.public})
	if err != nil {
		return nil, fmt.Errorf("cannot write the public keys: %w", err)
	}
	return out, nil
}

// Sign signs a payload of at most 1 MiB as a token of a type, in JWS compact
// serialisation with the headers alg, kid and typ.
func (r *Ring) Sign(typ string, payload []byte) (string, error) {
	if !known(typ) {
		return "", fmt.Errorf("cannot sign: %q is no type of token", typ)
	}
	if len(payload) > maxPayload {
		return "", fmt.Errorf("cannot sign %d bytes: the most is %d", len(payload), maxPayload)
	}
	r.mu.Lock()
	key := jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: r.private, KeyID: r.current.KeyID}}
	r.mu.Unlock()
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return "", fmt.Errorf("cannot sign: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("cannot sign: %w", err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("cannot sign: %w", err)
	}
	return token, nil
}

// Verify returns the payload of a token that one of the ring's keys signed as
// that very type; else ErrToken.
func (r *Ring) Verify(token, typ string) ([]byte, error) {
	r.mu.Lock()
	public := slices.Clone(r.public)
	r.mu.Unlock()
	return verify(public, token, typ)
}

func verify(public []jose.JSONWebKey, token, typ string) ([]byte, error) {
	refused := func(why string) ([]byte, error) { return nil, fmt.Errorf("%w: %s", ErrToken, why) }
	if !known(typ) || len(token) > 2*maxPayload {
		return refused("wrong type or too long")
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(signed.Signatures) != 1 {
		return refused("not a signed token")
	}
	header := signed.Signatures[0].Protected
	if header.ExtraHeaders[jose.HeaderType] != typ {
		return refused("another type")
	}
	i := slices.IndexFunc(public, func(k jose.JSONWebKey) bool { return k.KeyID == header.KeyID })
	if i < 0 {
		return refused("unknown key")
	}
	payload, err := signed.Verify(public[i])
	if err != nil {
		return refused("wrong signature")
	}
	return payload, nil
}

func known(typ string) bool { return typ == Permit || typ == Receipt || typ == List }
