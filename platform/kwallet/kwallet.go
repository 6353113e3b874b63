// Package kwallet tells whether a wallet of KDE has an entry, by the digests of
// names that stand in front of what is encrypted: nothing is opened, and nobody is
// asked for a password. It imports platform/xdg.
//
// Invariant: a wallet that cannot be read, or is of a version that is not known, is
// an error and never one without the entry.
//
// Source: KWallet's kwalletbackend.cc (openInternal, entryDoesNotExist) and
// backendpersisthandler.cpp, as kwalletd 5.103 writes it.
package kwallet

import (
	"bytes"
	"crypto/md5" // the format's own digest of names
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/clearance-project/clearance/platform/xdg"
)

// The limits of a home and of a wallet.
const (
	maxWallets = 100
	maxFile    = 64 << 20
)

var magic = []byte("KWALLET\n\r\x00\r\n")

// Wallet is a wallet's names, as digests.
type Wallet struct {
	Path    string
	folders map[[md5.Size]byte][][md5.Size]byte
}

// Open reads the wallets of every home.
func Open(dirs xdg.Dirs) ([]Wallet, error) {
	homes, err := dirs.Homes()
	if err != nil {
		return nil, fmt.Errorf("cannot look for wallets: %w", err)
	}
	var all []Wallet
	for _, home := range homes {
		if home.Data == "" {
			continue
		}
		files, err := filepath.Glob(filepath.Join(xdg.Literal(home.Data), "kwalletd", "*.kwl"))
		if err != nil || len(files) > maxWallets {
			return nil, fmt.Errorf("cannot look for wallets in %s: there are %d: %v", home.Data, len(files), err)
		}
		for _, at := range files {
			w, err := read(at)
			if err != nil {
				return nil, fmt.Errorf("cannot read the wallet %s: %w", at, err)
			}
			all = append(all, w)
		}
	}
	return all, nil
}

func read(at string) (Wallet, error) {
	raw, err := xdg.ReadFile(at, maxFile)
	if err != nil {
		return Wallet{}, err
	}
	w := Wallet{Path: at}
	w.folders, err = parse(raw)
	return w, err
}

// parse reads the table of digests: a count of folders, each with its digest, a
// count and the digests of its entries.
func parse(raw []byte) (map[[md5.Size]byte][][md5.Size]byte, error) {
	rest, ok := bytes.CutPrefix(raw, magic)
	if !ok || len(rest) < 4 {
		return nil, errors.New("it is no wallet")
	}
	if rest[0] != 0 || rest[1] > 1 {
		return nil, fmt.Errorf("its version %d.%d is not known", rest[0], rest[1])
	}
	r := bytes.NewReader(rest[4:])
	number := func() (int, error) {
		var n uint32
		err := binary.Read(r, binary.BigEndian, &n)
		if err == nil && int64(n)*md5.Size > int64(r.Len()) {
			err = errors.New("it is cut off")
		}
		return int(n), err
	}
	folders := map[[md5.Size]byte][][md5.Size]byte{}
	count, err := number()
	for range count {
		var folder [md5.Size]byte
		if _, err := io.ReadFull(r, folder[:]); err != nil {
			return nil, err
		}
		entries, err := number()
		if err != nil {
			return nil, err
		}
		list := make([][md5.Size]byte, entries)
		for i := range list {
			if _, err := io.ReadFull(r, list[i][:]); err != nil {
				return nil, err
			}
		}
		folders[folder] = append(folders[folder], list...)
	}
	return folders, err
}

// Has reports whether the wallet has an entry of this name in a folder.
func (w Wallet) Has(folder, entry string) bool {
	return slices.Contains(w.folders[md5.Sum([]byte(folder))], md5.Sum([]byte(entry)))
}
