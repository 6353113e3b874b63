package keys

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

const (
	keyFile    = "signing-key.pem"
	publicFile = "public-keys.json"
	secretFile = "pairwise-secret"
	pemType    = "PRIVATE KEY"
	secretSize = 32 // bytes
	// maxFile bounds a file that is read, in bytes: a thousand public keys of
	// some 150 bytes each.
	maxFile = 1 << 20
)

// stateFolder is the folder with the keys, held open and locked: two agents
// never make a key at the same time.
type stateFolder struct {
	path string
	dir  *os.File
}

func openFolder(path string) (*stateFolder, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("folder %q is not absolute", path)
	}
	if err := os.Mkdir(path, 0o700); err == nil {
		if err := syncFolder(filepath.Dir(path)); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	dir, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := &stateFolder{path: path, dir: dir}
	if err := f.check(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *stateFolder) check() error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.dir.Fd()), &st); err != nil {
		return fmt.Errorf("cannot look at folder %s: %w", f.path, err)
	}
	if int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("folder %s belongs to uid %d, not to uid %d", f.path, st.Uid, os.Geteuid())
	}
	if st.Mode&0o7777&^0o700 != 0 {
		return fmt.Errorf("folder %s has mode %04o, others could read the key; want 0700", f.path, st.Mode&0o7777)
	}
	if err := unix.Flock(int(f.dir.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("folder %s is in use by another agent: %w", f.path, err)
	}
	return nil
}

func (f *stateFolder) close() { _ = f.dir.Close() }

// read returns a file's content, nil where there is none. The file is opened
// beneath the folder that was checked, and judged by its descriptor.
func (f *stateFolder) read(name string, secret bool) ([]byte, error) {
	fd, err := unix.Openat(int(f.dir.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	path := filepath.Join(f.path, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	file := os.NewFile(uintptr(fd), path)
	defer func() { _ = file.Close() }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	allowed := uint32(0o644)
	if secret {
		allowed = 0o600
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, fmt.Errorf("%s is not a regular file", path)
	case int(st.Uid) != os.Geteuid():
		return nil, fmt.Errorf("%s belongs to uid %d, not to uid %d", path, st.Uid, os.Geteuid())
	case st.Mode&0o7777&^allowed != 0:
		return nil, fmt.Errorf("%s has mode %04o; want %04o", path, st.Mode&0o7777, allowed)
	case st.Nlink != 1:
		return nil, fmt.Errorf("%s has %d names; want one", path, st.Nlink)
	}
	return readBounded(file)
}

func readBounded(file *os.File) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", file.Name(), maxFile)
	}
	return raw, nil
}

// write replaces a file and returns once content and name are durable.
func (f *stateFolder) write(name string, content []byte) error {
	path := filepath.Join(f.path, name)
	err := renameio.WriteFile(path, content, 0o600, renameio.WithTempDir(f.path), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	if err := f.dir.Sync(); err != nil {
		return fmt.Errorf("cannot make %s durable: %w", path, err)
	}
	return nil
}

func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// readKey returns nil where there is no key yet.
func (f *stateFolder) readKey() (ed25519.PrivateKey, error) {
	raw, err := f.read(keyFile, true)
	if raw == nil || err != nil {
		return nil, err
	}
	return parseKey(raw)
}

func (f *stateFolder) writeKey(private ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	return f.write(keyFile, pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}))
}

func parseKey(raw []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != pemType {
		return nil, errors.New("the key is not PEM text of a private key")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the key cannot be parsed") // the cause may quote the key
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("the key is not an Ed25519 key")
	}
	return private, nil
}

// readSecret makes the secret where there is none yet.
func (f *stateFolder) readSecret() ([]byte, error) {
	secret, err := f.read(secretFile, true)
	if err != nil {
		return nil, err
	}
	if secret == nil {
		secret = make([]byte, secretSize)
		_, _ = rand.Read(secret) // never fails
		return secret, f.write(secretFile, secret)
	}
	if len(secret) != secretSize {
		return nil, fmt.Errorf("%s holds %d bytes; want %d", secretFile, len(secret), secretSize)
	}
	return secret, nil
}

// readPublic returns none where there is no file yet.
func (f *stateFolder) readPublic() ([]jose.JSONWebKey, error) {
	raw, err := f.read(publicFile, false)
	if raw == nil || err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, fmt.Errorf("%s: %w", publicFile, err)
	}
	for _, k := range set.Keys {
		public, ok := k.Key.(ed25519.PublicKey)
		if !ok {
			return nil, fmt.Errorf("%s holds something else than Ed25519 public keys", publicFile)
		}
		if want, err := asJWK(public); err != nil || want.KeyID != k.KeyID {
			return nil, fmt.Errorf("%s: key id %q is not the key's thumbprint", publicFile, k.KeyID)
		}
	}
	return set.Keys, nil
}

func (f *stateFolder) writePublic(public []jose.JSONWebKey) error {
	raw, err := json.MarshalIndent(jose.JSONWebKeySet{Keys: public}, "", "  ")
	if err != nil {
		return err
	}
	return f.write(publicFile, append(raw, '\n'))
}

func asJWK(public ed25519.PublicKey) (jose.JSONWebKey, error) {
	k := jose.JSONWebKey{Key: public, Algorithm: string(jose.EdDSA), Use: "sig"}
	thumb, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return k, fmt.Errorf("cannot name a key: %w", err)
	}
	k.KeyID = base64.RawURLEncoding.EncodeToString(thumb)
	return k, nil
}

// readCredential returns nil where systemd handed none over. systemd makes the
// file readable for the service's user alone, by owner or by an access list
// whose mask shows as group rights.
func readCredential(folder string) (ed25519.PrivateKey, error) {
	if folder == "" {
		return nil, nil
	}
	path := filepath.Join(folder, Credential)
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return nil, err
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, fmt.Errorf("%s is not a regular file", path)
	case st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return nil, fmt.Errorf("%s belongs to uid %d", path, st.Uid)
	case st.Mode&0o027 != 0:
		return nil, fmt.Errorf("%s has mode %04o, others could read or change it", path, st.Mode&0o7777)
	}
	raw, err := readBounded(file)
	if err != nil {
		return nil, err
	}
	return parseKey(raw)
}
