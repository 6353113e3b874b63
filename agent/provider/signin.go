package provider

import (
	"net/url"
	"slices"
	"strings"
)

// protocols are what places call an account of which they know how it is asked
// and not whose it is: they name no company. webdav is GOA's since 3.50.
var protocols = []string{"", "caldav", "carddav", "dav", "davs", "http", "https", "imap", "imap_smtp", "mail", "pop", "smtp", "webdav"}

// ForSignIn returns the profile of an account as a place on a device has it:
// kind is the place ("goa", "libaccounts", "nextcloud"), word the place's own
// word for the provider ("owncloud", "ms_graph", "carddav") and host its server,
// with or without a port, "" where the place names none. everybody says that the
// company has one service for everybody, so that the host tells nothing of the
// account. It is false for what belongs to no company whose account could be
// left: the Kerberos realm of an employer, a media server, a mail server of one's
// own.
func (c *Catalogue) ForSignIn(kind, word, host string) (p Profile, everybody, ok bool) {
	host = (&url.URL{Host: host}).Hostname()
	word = strings.ToLower(word)
	if slices.Contains(protocols, word) {
		p, ok = c.byServer(host)
		return p, ok, ok
	}
	if p, ok = c.ForGOA(word); !ok && kind != "goa" {
		if p, ok = c.byID[word]; !ok { // a word of a program's own: its way of asking
			p, ok = c.byServer(host)
		}
	}
	if !ok || host == "" || len(p.Hosts) == 0 {
		return p, ok && len(p.Hosts) > 0, ok
	}
	// An Exchange server of one's own is none of Microsoft's.
	q, known := c.byServer(host)
	if !known || q.ID != p.ID {
		return Profile{}, false, false
	}
	return p, true, true
}

// byServer returns the profile of a company by a server of its own: one below its
// hosts, or below a domain of its accounts (imap.gmail.com).
func (c *Catalogue) byServer(host string) (Profile, bool) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if p, ok := c.ForHost(host); ok || host == "" {
		return p, ok
	}
	return c.first(func(p Profile) bool {
		return slices.ContainsFunc(p.Domains, func(d string) bool { return host == d || strings.HasSuffix(host, "."+d) })
	})
}
