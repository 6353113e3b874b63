package passwords

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/secrets"
)

// owned are the schemas of items that go with a sign-in of another place.
var owned = []string{"org.gnome.OnlineAccounts", "org.gnome.Evolution.Data.Source", "org.qt.keychain"}

// Attributes that name a server or a user, the usual one first.
// Sources: libsecret's SECRET_SCHEMA_COMPAT_NETWORK (server, user, port,
// protocol; used by gvfs and git-credential-libsecret), Geary's SecretMediator
// (host, login), Chromium's native_backend_libsecret (origin_url, username_value).
var (
	serverKeys  = []string{"server", "host", "hostname"}
	addressKeys = []string{"url", "uri", "origin_url", "signon_realm"}
	userKeys    = []string{"user", "username", "username_value", "login"}
)

// maxText bounds an attribute that is used, in bytes.
const maxText = 500

// whoOf says whose an unlocked item is; ok is false for one that names no server,
// or that is another place's.
func whoOf(item secrets.Item) (who binding.Who, ok bool) {
	if slices.Contains(owned, item.Attributes["xdg:schema"]) {
		return who, false
	}
	get := func(keys []string) string {
		for _, k := range keys {
			if v := strings.TrimSpace(item.Attributes[k]); v != "" && len(v) <= maxText {
				return v
			}
		}
		return ""
	}
	who = binding.Who{Type: strings.ToLower(item.Attributes["protocol"]), User: get(userKeys)}
	if len(who.Type) > maxText {
		who.Type = ""
	}
	address := get(addressKeys)
	if server := get(serverKeys); server != "" {
		address = server
		if !strings.Contains(server, "://") {
			address = cmp.Or(who.Type, "https") + "://" + withPort(server, item.Attributes["port"])
		}
	}
	who.Host = binding.Host(address)
	return who, who.Host != ""
}

// withPort is a server with the port that stands beside it, where it has none.
func withPort(server, port string) string {
	if _, _, err := net.SplitHostPort(server); err == nil || port == "" || port == "0" {
		return server
	}
	return net.JoinHostPort(strings.Trim(server, "[]"), port)
}

// kind is the word before the colon of each id.
const kind = "keyring"

const collections = "/org/freedesktop/secrets/collection/"

// idOf names an item by its path and by whose it is.
func idOf(item secrets.Item, who binding.Who) string {
	return fmt.Sprintf("%s:%s:%s", kind, strings.TrimPrefix(string(item.Path), collections), mark(who))
}

func mark(who binding.Who) string {
	sum := sha256.Sum256([]byte(strings.ToLower(who.Host) + "\x00" + who.User))
	return fmt.Sprintf("%x", sum[:6])
}

// pathOf takes an entry's id apart.
func pathOf(id string) (path, marked string, ok bool) {
	rest, ok := strings.CutPrefix(id, kind+":")
	i := strings.LastIndexByte(rest, ':')
	if !ok || i <= 0 || i+1 == len(rest) {
		return "", "", false
	}
	return collections + rest[:i], rest[i+1:], true
}
