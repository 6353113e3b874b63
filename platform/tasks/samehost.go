package tasks

import (
	"context"
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
	if !many || !n.mayBe(o.who, user, binding.HostName(host)) {
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

// bracketed is a server's name as it stands in an address.
func bracketed(host string) string {
	if strings.Count(host, ":") > 1 && !strings.HasPrefix(host, "[") {
		return "[" + host + "]"
	}
	return host
}
