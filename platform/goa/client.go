package goa

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/secrets"
)

// maxAccounts bounds the accounts of one user.
const maxAccounts = 1000

// networkWait bounds calls for which GOA asks the account's server.
const networkWait = 60 * time.Second

// ErrLocked means that an administrator set the account up, and GOA refuses to
// remove it.
var ErrLocked = errors.New("the account was set up by an administrator")

// ErrKeyringLocked means that the keyring must be unlocked first: with it
// locked, GOA would remove the account and leave its password behind.
var ErrKeyringLocked = errors.New("the keyring is locked")

// ErrNotListed means that GOA has no account of that id.
var ErrNotListed = errors.New("the account is not signed in here")

// ErrNotAuthorized means that the account's server does not accept what is
// stored for it: the person must sign in again.
var ErrNotAuthorized = errors.New("the account must be signed in again")

// Client speaks with GOA on one session bus. Where the bus is gone its errors
// are bus.ErrUnavailable, where GOA is not installed bus.ErrNoService.
type Client struct {
	bus        *bus.Conn
	secrets    *secrets.Client
	configHome string
}

// New makes a client of GOA on b, which stays the caller's. configHome is the
// user's configuration folder (XDG_CONFIG_HOME).
func New(b *bus.Conn, s *secrets.Client, configHome string) *Client {
	return &Client{bus: b, secrets: s, configHome: configHome}
}

// Listing is what GOA holds.
type Listing struct {
	Accounts []Account // sorted by path
	// Unlisted are the accounts that are in GOA's key file and that goa-daemon
	// does not serve: of a provider that it does not know, or left over. GOA
	// cannot remove them.
	Unlisted []Unlisted
}

// Unlisted is an account that is in GOA's key file alone.
type Unlisted struct {
	ID, Provider, Identity, Host string
}

// Account returns the account of an id.
func (l Listing) Account(id string) (Account, bool) {
	for _, a := range l.Accounts {
		if a.ID == id {
			return a, true
		}
	}
	return Account{}, false
}

// List lists every account that GOA holds. An error means that nothing is
// known: neither that an account is here nor that it is gone.
func (c *Client) List(ctx context.Context) (Listing, error) {
	l, err := c.list(ctx)
	if err == nil && len(l.Unlisted) > 0 {
		// GOA writes the file before it serves the account: look once more.
		l, err = c.list(ctx)
	}
	return l, err
}

func (c *Client) list(ctx context.Context) (Listing, error) {
	conf, err := readKeyFile(keyFilePath(c.configHome))
	if err != nil {
		return Listing{}, err
	}
	listed, err := c.managed(ctx)
	if err != nil {
		return Listing{}, err
	}
	var l Listing
	for _, path := range slices.Sorted(maps.Keys(listed)) {
		interfaces := listed[path]
		a, ok, err := readAccount(path, interfaces, confOf(interfaces, conf))
		if err != nil {
			return Listing{}, err
		}
		if !ok {
			continue
		}
		if _, twice := l.Account(a.ID); twice {
			return Listing{}, fmt.Errorf("cannot use GOA's answer: two accounts have the id %q", a.ID)
		}
		l.Accounts = append(l.Accounts, a)
	}
	for _, id := range slices.Sorted(maps.Keys(conf)) {
		if _, ok := l.Account(id); !ok {
			g := conf[id]
			l.Unlisted = append(l.Unlisted, Unlisted{ID: id, Provider: g["Provider"], Identity: strings.TrimSpace(g["Identity"]), Host: g.host()})
		}
	}
	return l, nil
}

// confOf is the group of an account in the key file.
func confOf(interfaces map[string]map[string]dbus.Variant, conf map[string]group) group {
	id, ok := interfaces[accountIface]["Id"].Value().(string)
	if !ok {
		return nil // readAccount says so, with the path.
	}
	return conf[id]
}

// managed asks GOA for its objects, and makes sure that GOA it is.
func (c *Client) managed(ctx context.Context) (objects, error) {
	var listed objects
	m := bus.Method{Service: Service, Path: rootPath, Name: "org.freedesktop.DBus.ObjectManager.GetManagedObjects"}
	if err := c.bus.CallOwn(ctx, m, nil, &listed); err != nil {
		return nil, fmt.Errorf("cannot list the online accounts: %w", err)
	}
	if _, ok := listed[managerPath][managerIface]; !ok {
		return nil, errors.New("cannot list the online accounts: what answers for GOA has no account manager")
	}
	if len(listed) > maxAccounts {
		return nil, fmt.Errorf("cannot list the online accounts: %d are more than the %d that can be handled", len(listed), maxAccounts)
	}
	return listed, nil
}

// Find returns the account of an id as it is now. Where GOA has none the error
// is ErrNotListed.
func (c *Client) Find(ctx context.Context, id string) (Account, error) {
	l, err := c.List(ctx)
	if err != nil {
		return Account{}, err
	}
	a, ok := l.Account(id)
	if !ok {
		return Account{}, fmt.Errorf("cannot find the account %s: %w", id, ErrNotListed)
	}
	return a, nil
}

// EnsureCredentials has GOA try the stored credentials at the account's server.
// Refused ones are ErrNotAuthorized. It may change AttentionNeeded, which is
// signalled.
func (c *Client) EnsureCredentials(ctx context.Context, a Account) error {
	var expires int32
	m := bus.Method{Service: Service, Path: a.Path, Name: accountIface + ".EnsureCredentials", Timeout: networkWait}
	if err := c.bus.Call(ctx, m, nil, &expires); err != nil {
		return fmt.Errorf("cannot check the account's credentials: %w", authorization(err))
	}
	return nil
}

// authorization marks GOA's own refusals of credentials.
func authorization(err error) error {
	var remote *bus.RemoteError
	if errors.As(err, &remote) && remote.Name == Service+".Error.NotAuthorized" {
		return fmt.Errorf("%w: %w", ErrNotAuthorized, err)
	}
	return err
}

// Credentials are what an account signs in with.
type Credentials struct {
	User     string
	Password secrets.Secret // for accounts with a password
	Token    secrets.Secret // for accounts with OAuth 2
	// Expires is how long the token holds, from now. Zero: GOA does not know.
	Expires time.Duration
}

// Credentials returns what the account signs in with. With the keyring locked
// GOA would wait for a prompt, so that is ErrKeyringLocked at once.
func (c *Client) Credentials(ctx context.Context, a Account) (Credentials, error) {
	if err := c.needOpenKeyring(ctx, a); err != nil {
		return Credentials{}, fmt.Errorf("cannot read the account's credentials: %w", err)
	}
	got := Credentials{User: a.Identity}
	var text string
	switch {
	case a.OAuth2:
		var expires int32
		m := bus.Method{Service: Service, Path: a.Path, Name: oauth2Iface + ".GetAccessToken", Timeout: networkWait}
		if err := c.bus.Call(ctx, m, nil, &text, &expires); err != nil {
			return Credentials{}, fmt.Errorf("cannot read the account's credentials: %w", authorization(err))
		}
		if text == "" {
			return Credentials{}, errors.New("cannot read the account's credentials: GOA gave an empty token")
		}
		got.Token, got.Expires = secrets.NewSecret(text), max(0, time.Duration(expires)*time.Second)
	case a.Password:
		m := bus.Method{Service: Service, Path: a.Path, Name: passwordIface + ".GetPassword"}
		if err := c.bus.Call(ctx, m, []any{"password"}, &text); err != nil {
			return Credentials{}, fmt.Errorf("cannot read the account's credentials: %w", authorization(err))
		}
		got.Password = secrets.NewSecret(text)
	default:
		return Credentials{}, fmt.Errorf("cannot read the account's credentials: %s signs in neither with a password nor with OAuth 2", a.Provider)
	}
	return got, nil
}
