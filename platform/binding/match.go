package binding

import (
	"net"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/clearance-project/clearance/agent/departure"
)

// Match says whether an entry is of the account that is left.
type Match int

// The answers.
const (
	MatchUnknown Match = iota // the same server, or one that is not known: nobody can tell from here
	MatchNo
	MatchYes
)

// Identity is an account's name at its provider, with the server where the
// provider has many: as [departure.Account.Identity].
func (w Who) Identity() string {
	if w.Host == "" {
		return w.User
	}
	return w.User + "@" + w.Host
}

// Named is whose it is, for a person: the server where the user is not known.
func (w Who) Named() string {
	if w.User == "" {
		return w.Host
	}
	return w.Identity()
}

// Of compares an entry with an account. provider is the catalogue's id of the
// entry's provider, "" where the catalogue has none.
//
// Two plain user names at one server are two people. A name with an @ may be
// somebody's e-mail address, which opens the same account as a user name, and an
// entry that does not say its user may be anybody's: nobody can tell.
func (w Who) Of(provider string, account departure.Account) Match {
	if provider != "" && provider != account.Provider {
		return MatchNo
	}
	if w.AnyHost {
		user, _, _ := Split(account.Identity)
		if w.User == "" || folded(w.User) == folded(user) || strings.Contains(user, "@") || strings.Contains(w.User, "@") {
			return MatchUnknown
		}
		return MatchNo
	}
	if w.User != "" && mailbox(w.Identity()) == mailbox(account.Identity) {
		return MatchYes
	}
	user, host, many := Split(account.Identity)
	host = HostName(host)
	if w.Host == "" || !many {
		if provider != "" && (w.User == "" || folded(w.User) == folded(user)) {
			return MatchUnknown
		}
		return MatchNo
	}
	if w.AnyPort {
		if name, _, err := net.SplitHostPort(host); err == nil && name == HostName(w.Host) {
			host = name
			if folded(w.User) == folded(user) {
				return MatchUnknown
			}
		}
	}
	if host != HostName(w.Host) {
		return MatchNo
	}
	if w.User == "" || strings.Contains(user, "@") || strings.Contains(w.User, "@") {
		return MatchUnknown
	}
	return MatchNo
}

// mailbox is an identity as its provider compares it: in one case and one form of
// its letters, with the one spelling of its server, and for Google without the
// dots of the name and with one domain for both.
// Source: Gmail Help, "Dots don't matter in Gmail addresses", and "Switch from
// googlemail.com to gmail.com".
func mailbox(identity string) string {
	user, host, many := Split(folded(identity))
	if !many {
		return user
	}
	if host = HostName(host); host == "gmail.com" || host == "googlemail.com" {
		return strings.ReplaceAll(user, ".", "") + "@gmail.com"
	}
	return user + "@" + host
}

// folded is a name in one case and, as a keyboard or a file system may write its
// letters in two ways, in one form (Unicode's NFC).
func folded(name string) string { return norm.NFC.String(strings.ToLower(name)) }

// Split takes an account's identity apart at its last @. ok is false where it
// names no server.
func Split(identity string) (user, host string, ok bool) {
	i := strings.LastIndex(identity, "@")
	if i < 0 {
		return identity, "", false
	}
	return identity[:i], identity[i+1:], true
}
