package tasks

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/cloud/dav"
)

// resolving bounds how long one look waits for the names of servers.
const resolving = 5 * time.Second

// maxResolved bounds how many servers one look resolves; the rest are not known.
const maxResolved = 100

// elsewhere are ways of asking a server that no account of ours is asked by: a
// port of theirs is none of the account's.
var elsewhere = []string{"imap", "pop", "smtp", "mail", "ssh", "sftp", "ftp", "ftps", "smb", "afp", "nfs"}

// anySite are ways of asking that any site of the web is asked by: of these, only
// what is near the account's server is resolved. A person has hundreds of
// passwords for the web, and many sites lie at one address.
var anySite = []string{"", "http", "https"}

// atHome are the ends of names that no public server has. Sources: RFC 6762 and
// 8375, and ICANN's resolution of 2024 for internal.
var atHome = []string{".local", ".localhost", ".home.arpa", ".internal", ".lan", ".home"}

// namesakes compares servers that have different names by where these lead, once
// each in one look.
type namesakes struct {
	network dav.Network
	account departure.Account
	until   context.Context
	known   map[string]bool // by whose it is: it may be the account's
}

// namesakesOf begins a look. done ends what it still waits for.
func (w *Worker) namesakesOf(ctx context.Context, account departure.Account) (n *namesakes, done func()) {
	until, cancel := context.WithTimeout(ctx, resolving)
	return &namesakes{network: w.network, account: account, until: until, known: make(map[string]bool)}, cancel
}

// of compares a sign-in with the account, as binding.Who.Of does. One of the same
// user at a server of another name is not told apart while both names lead, or may
// lead, to one server: a name at home, an alias, an address in figures.
func (n *namesakes) of(o owner) binding.Match {
	match := o.of(n.account)
	if match != binding.MatchNo || o.who.User == "" || o.who.Host == "" || (o.provider != "" && o.provider != n.account.Provider) ||
		slices.Contains(elsewhere, strings.ToLower(o.who.Type)) {
		return match
	}
	user, host, many := binding.Split(n.account.Identity)
	host = binding.HostName(host)
	if !many || slices.Contains(anySite, strings.ToLower(o.who.Type)) && !near(binding.HostName(o.who.Host), host) || !n.mayBe(o.who, user, host) {
		return match
	}
	return binding.MatchUnknown
}

// mayBe reports whether whose a sign-in is may be the user at host: one whose
// server cannot be resolved may.
func (n *namesakes) mayBe(who binding.Who, user, host string) bool {
	who.Host = binding.HostName(who.Host)
	may, ok := n.known[who.Identity()]
	if ok {
		return may
	}
	may = true
	if len(n.known) < maxResolved {
		a, errA := dav.NewEndpoint("https://"+bracketed(who.Host), who.User)
		b, errB := dav.NewEndpoint("https://"+bracketed(host), user)
		if errA == nil && errB == nil {
			same, err := dav.SameAccount(n.until, n.network, a, b)
			may = same || err != nil
		}
	}
	n.known[who.Identity()] = may
	return may
}

// near reports whether a server's name is an address in figures, one of a home, or
// of the same domain as the account's.
func near(host, account string) bool {
	host, account = nameOf(host), nameOf(account)
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") {
		return true
	}
	return domainOf(host) == domainOf(account) || slices.ContainsFunc(atHome, func(end string) bool { return strings.HasSuffix(host, end) })
}

// nameOf is a server's name without its port.
func nameOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// domainOf is the last two parts of a name: two servers of one company have them
// in common, and now and then two of one country.
func domainOf(name string) string {
	parts := strings.Split(name, ".")
	return strings.Join(parts[max(0, len(parts)-2):], ".")
}

// bracketed is a server's name as it stands in an address.
func bracketed(host string) string {
	if strings.Count(host, ":") > 1 && !strings.HasPrefix(host, "[") {
		return "[" + host + "]"
	}
	return host
}
