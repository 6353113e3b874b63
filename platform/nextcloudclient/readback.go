package nextcloudclient

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/kwallet"
)

// The places where something of an account can be left, as shown to a person.
const (
	inList    = "list of accounts"
	inCookies = "cookies"
	inKeyring = "keyring"
	inWallet  = "wallet"
)

// ReadBack implements [binding.Place]: it looks into the configuration, for the
// account's cookies and in the keyring with its locked part.
func (p *Place) ReadBack(ctx context.Context, id string) ([]binding.Left, error) {
	gone, err := p.parseID(id)
	if err != nil {
		return nil, err
	}
	listed, err := accounts(p.dirs)
	if err != nil {
		return nil, err
	}
	var left []binding.Left
	taken := false // its number, by another account
	for _, a := range listed {
		if p.id(a) == id {
			left = append(left, binding.Left{Where: inList, Name: filepath.Join(a.folder, a.number)})
		}
		taken = taken || a.app == gone.app && a.name == gone.name && a.number == gone.number
	}
	if !taken {
		cookies, err := p.cookies(gone)
		if err != nil {
			return left, err
		}
		left = append(left, cookies...)
	}
	items, err := p.itemsOf(ctx, gone)
	return append(left, items...), err
}

// cookies finds the file with the cookies of an account's session.
// Source: account.cpp, Account::cookieJarPath.
func (p *Place) cookies(a account) ([]binding.Left, error) {
	homes, err := p.dirs.Homes()
	if err != nil {
		return nil, err
	}
	var left []binding.Left
	for _, home := range homes {
		if home.App != a.app || !filepath.IsLocal("cookies"+a.number+".db") {
			continue
		}
		at := filepath.Join(home.Config, filepath.Dir(a.file), "cookies"+a.number+".db")
		if _, err := os.Lstat(at); err == nil {
			left = append(left, binding.Left{Where: inCookies, Name: at, Remedy: &departure.Remedy{Code: "by-hand", Text: "quit " + a.name + ", and delete " + at}})
		} else if !errors.Is(err, fs.ErrNotExist) {
			return left, err
		}
	}
	return left, nil
}

// schema is libsecret's name for what Qt programs store.
const schema = "org.qt.keychain"

// suffixes are what follows the user's name in the keys of an account's secrets.
// Sources: webflowcredentials.cpp, httpcredentials.cpp, account.cpp,
// clientsideencryption.cpp.
var suffixes = append([]string{
	"", "_app-password", "_clientCertificatePEM", "_clientKeyPEM", "_clientCertPassword",
	"_e2e-certificate", "_e2e-private", "_e2e-public", "_e2e-mnemonic", "_sharing",
}, caSuffixes()...)

// caSuffixes are those of up to ten certificates of authorities.
func caSuffixes() []string {
	var all []string
	for i := range 10 {
		all = append(all, fmt.Sprintf("_clientCaCertificatePEM%d", i))
	}
	return all
}

// key is the name of a secret, as AbstractCredentials::keychainKey makes it.
func (a account) key(suffix string) string {
	return a.login + suffix + a.keyEnd()
}

// keyEnd is what the keys of all of an account's secrets end in.
func (a account) keyEnd() string {
	address := a.url
	if !strings.HasSuffix(address, "/") {
		address += "/"
	}
	return ":" + address + ":" + a.number
}

// itemsOf finds an account's secrets. Locked ones show their attributes as
// digests only, so each key is asked for.
func (p *Place) itemsOf(ctx context.Context, a account) ([]binding.Left, error) {
	if a.login == "" || a.url == "" {
		return nil, nil // The client stores nothing then.
	}
	left, err := p.inWallets(a)
	if err != nil {
		return nil, err
	}
	for i, suffix := range suffixes {
		found, err := p.secrets.Search(ctx, map[string]string{"server": a.name, "user": a.key(suffix)})
		if i == 0 && errors.Is(err, bus.ErrNoService) {
			return left, nil
		}
		if err != nil {
			return left, bus.WasThere(err)
		}
		for _, item := range found.Unlocked {
			left = append(left, binding.Left{Where: inKeyring, Name: string(item), Remedy: &departure.Remedy{Code: "by-hand", Text: removePassword(a)}})
		}
		for _, item := range found.Locked {
			left = append(left, binding.Left{Where: inKeyring, Name: string(item), Locked: true})
		}
	}
	return left, nil
}

// inWallets finds an account's secrets in KDE's wallets, where the client keeps
// them on that desktop. Source: qtkeychain's keychain_unix.cpp.
func (p *Place) inWallets(a account) ([]binding.Left, error) {
	wallets, err := kwallet.Open(p.dirs)
	var left []binding.Left
	for _, w := range wallets {
		for _, suffix := range suffixes {
			if w.Has(a.name, a.key(suffix)) {
				left = append(left, binding.Left{Where: inWallet, Name: w.Path + " " + a.key(suffix), Remedy: &departure.Remedy{Code: "by-hand",
					Text: fmt.Sprintf("open KWalletManager, and delete %s in the folder %s", a.key(suffix), a.name)}})
			}
		}
	}
	return left, err
}

// leftInKeyring are the secrets of accounts that no client lists: one entry for
// each account. Locked ones do not say whose they are.
func (p *Place) leftInKeyring(ctx context.Context, listed []account) ([]binding.Entry, error) {
	known := map[string]bool{}
	for _, a := range listed {
		known[a.name+a.keyEnd()] = true
	}
	var entries []binding.Entry
	for i, prog := range programs {
		found, err := p.secrets.Search(ctx, map[string]string{"xdg:schema": schema, "server": prog.name})
		if i == 0 && errors.Is(err, bus.ErrNoService) {
			return nil, nil
		}
		if err != nil {
			return nil, bus.WasThere(err)
		}
		for _, item := range found.Unlocked {
			e, end, ok, err := p.leftover(ctx, prog, item)
			if err != nil {
				return nil, err
			}
			if ok && !known[prog.name+end] {
				known[prog.name+end] = true
				entries = append(entries, e)
			}
		}
	}
	return entries, nil
}

// leftover makes an entry of a secret; ok is false for one that is of no account.
func (p *Place) leftover(ctx context.Context, prog program, item dbus.ObjectPath) (e binding.Entry, end string, ok bool, err error) {
	attributes, err := p.secrets.Attributes(ctx, item)
	if err != nil {
		return binding.Entry{}, "", false, err
	}
	a, ok := accountOf(attributes["user"])
	if !ok {
		return binding.Entry{}, "", false, nil
	}
	a.program = prog
	shown := a.who().Named()
	return binding.Entry{
		ID: p.id(a), Name: "password of " + shown + " for " + a.where(), Who: a.who(), Leftover: true,
	}.ByHand(removePassword(a)), a.keyEnd(), true, nil
}

// removePassword says how the person removes what is left in the keyring.
func removePassword(a account) string {
	return fmt.Sprintf("%s is not signed in any more, and its password is still in the keyring: open Passwords and Keys, look for %s, and delete what is named after %s",
		a.name, a.name, a.who().Identity())
}

// accountOf takes a secret's key apart: user, address and number, with colons
// between them, and colons in the address.
func accountOf(key string) (account, bool) {
	last := strings.LastIndex(key, "/:")
	scheme := strings.Index(key, ":http")
	if scheme < 1 || last < scheme {
		return account{}, false
	}
	a := account{login: key[:scheme], url: key[scheme+1 : last], number: key[last+2:]}
	for _, suffix := range suffixes {
		if login, ok := strings.CutSuffix(a.login, suffix); ok && suffix != "" && login != "" {
			a.login = login
			break
		}
	}
	a.user = a.login
	return a, binding.Host(a.url) != ""
}
