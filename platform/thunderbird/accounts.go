package thunderbird

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/mozilla"
)

// maxAccounts bounds what one profile may name.
const maxAccounts = 5000

// The kinds of what an account has in Thunderbird.
const (
	mail     = "mail account"
	outgoing = "outgoing mail server"
	book     = "address book"
	calendar = "calendar"
)

// part is one thing that an account has in Thunderbird.
type part struct {
	what string
	name string
	who  binding.Who
	file string // an address book's database, below the profile
	id   string // a calendar's number in the cache
}

// parts are what the settings of a profile name, sorted.
func parts(prefs map[string]string) ([]part, error) {
	var all []part
	for id, v := range groups(prefs, "mail.server.") {
		if p, ok := mailOf(v, mail); ok {
			all = append(all, p)
		} else if v["type"] == "" && v["hostname"] != "" {
			return nil, fmt.Errorf("the mail server %s has no type", id)
		}
	}
	for _, v := range groups(prefs, "mail.smtpserver.") {
		v["type"] = "smtp"
		if p, ok := mailOf(v, outgoing); ok {
			all = append(all, p)
		}
	}
	for _, v := range groups(prefs, "ldap_2.servers.") {
		if v["carddav.url"] == "" {
			continue
		}
		all = append(all, part{what: book, name: v["description"], file: v["filename"], who: DAVWho("carddav", v["carddav.url"], v["carddav.username"])})
	}
	for id, v := range groups(prefs, "calendar.registry.") {
		// One with the type storage is this device's own, and one of a file or of
		// the web is nobody's.
		if v["type"] != "caldav" && v["type"] != "gdata" {
			continue
		}
		all = append(all, part{what: calendar, name: v["name"], id: id, who: DAVWho("caldav", v["uri"], v["username"])})
	}
	if len(all) > maxAccounts {
		return nil, fmt.Errorf("%d accounts are more than the %d that can be handled", len(all), maxAccounts)
	}
	slices.SortFunc(all, func(a, b part) int {
		return strings.Compare(a.what+"\x00"+a.name+"\x00"+a.id+a.file, b.what+"\x00"+b.name+"\x00"+b.id+b.file)
	})
	return all, nil
}

// groups are the settings below a prefix, by the name that follows it.
func groups(prefs map[string]string, prefix string) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(prefs)) {
		rest, ok := strings.CutPrefix(name, prefix)
		id, key, ok2 := strings.Cut(rest, ".")
		if !ok || !ok2 {
			continue
		}
		if all[id] == nil {
			all[id] = map[string]string{}
		}
		all[id][key] = prefs[name]
	}
	return all
}

// mailTypes are the types of a mail server, and what is said of them. Feeds, news
// and the local folders are nobody's.
var mailTypes = map[string]string{"imap": "imap", "pop3": "pop", "smtp": "smtp", "ews": "mail", "owl": "mail", "exquilla": "mail"}

// mailOf is a mail server. One that was renamed has its host and user beside the
// first ones.
func mailOf(v map[string]string, what string) (part, bool) {
	kind, ok := mailTypes[v["type"]]
	host, user := v["hostname"], v["userName"]
	if user == "" {
		user = v["username"]
	}
	if v["realhostname"] != "" {
		host = v["realhostname"]
	}
	if v["realuserName"] != "" {
		user = v["realuserName"]
	}
	if !ok || host == "" && user == "" {
		return part{}, false
	}
	name := v["name"]
	if name == "" {
		name = v["description"]
	}
	return part{what: what, name: name, who: binding.Who{Type: kind, User: user, Host: binding.Host("imap://" + host)}}, true
}

// DAVWho says whose an address is: by the name that is set, or in the address
// itself, as Nextcloud and Google have it there.
func DAVWho(kind, address, user string) binding.Who {
	w := binding.Who{Type: kind, User: user, Host: binding.Host(address)}
	u, err := url.Parse(address)
	if err != nil || w.User != "" {
		return w
	}
	if w.User = u.User.Username(); w.User != "" {
		return w
	}
	if u.Scheme == "googleapi" {
		return binding.Who{Type: "google", Host: "googleapis.com"} // The address has a session's number for it.
	}
	steps := strings.Split(u.Path, "/")
	for i, step := range steps[:max(0, len(steps)-1)] {
		after := steps[i+1]
		switch {
		case after == "" || after == "users":
		case step == "users", step == "calendars", step == "principals" && strings.Contains(after, "@"),
			step == "v2" && i > 0 && steps[i-1] == "caldav":
			w.User = after
			return w
		}
	}
	return w
}

// account is what one user has at one server in one profile.
type account struct {
	profile mozilla.Profile
	who     binding.Who
	parts   []part
}

// accounts gathers the parts of a profile.
func accounts(profile mozilla.Profile, all []part) []account {
	var list []account
	for _, p := range all {
		i := slices.IndexFunc(list, func(a account) bool { return together(a.who, p.who) })
		if i < 0 {
			list = append(list, account{profile: profile, who: p.who})
			i = len(list) - 1
		}
		list[i].parts = append(list[i].parts, p)
	}
	return list
}

// together reports whether two belong to one account: address books and calendars
// of a server do, and mail of one type.
func together(a, b binding.Who) bool {
	dav := func(w binding.Who) bool { return w.Type == "carddav" || w.Type == "caldav" }
	return strings.EqualFold(a.User, b.User) && a.Host == b.Host && (a.Type == b.Type || dav(a) && dav(b))
}

// id names an account by its profile, its kind, user and server: Thunderbird's own
// numbers are given out again.
func (a account) id(kind, home string) string {
	at := a.profile.Path
	if below, err := filepath.Rel(home, at); err == nil && filepath.IsLocal(below) {
		at = below
	}
	return kind + ":" + strings.Join([]string{url.PathEscape(at), a.who.Type, url.PathEscape(a.who.User), url.PathEscape(a.who.Host)}, "/")
}

// hostOf is the server of an id.
func hostOf(id string) string {
	host, err := url.PathUnescape(id[strings.LastIndex(id, "/")+1:])
	if err != nil {
		return ""
	}
	return host
}

// signsIn are the servers where an account's token is from, beside its own.
// Source: Thunderbird's mailnews/base/src/OAuth2Providers.sys.mjs.
var signsIn = map[string][]string{
	"accounts.google.com":       {"gmail.com", "googlemail.com", "google.com", "googleapis.com", "googleusercontent.com"},
	"login.microsoftonline.com": {"office365.com", "outlook.com", "hotmail.com", "live.com"},
	"login.yahoo.com":           {"yahoo.com", "ymail.com"},
	"login.aol.com":             {"aol.com"},
	"o2.mail.ru":                {"mail.ru"},
	"oauth.yandex.com":          {"yandex.com", "yandex.ru"},
	"accounts.firefox.com":      {"thundermail.com", "thunderbird.net"},
}

// opens reports whether a password that is stored for a server may be one of an
// account at host.
func opens(server, host string) bool {
	if server == host {
		return server != ""
	}
	return slices.ContainsFunc(signsIn[server], func(domain string) bool {
		return host == domain || strings.HasSuffix(host, "."+domain)
	})
}
