package agent

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/policy"
	"github.com/clearance-project/clearance/agent/provider"
)

// Catalogue answers the engine from the provider catalogue.
type Catalogue struct{ Profiles *provider.Catalogue }

// PhotoFolders are the folders of the account's files that hold photos.
func (c Catalogue) PhotoFolders(id string) []string { return c.Profiles.Lookup(id).PhotoFolders }

// Profile is what the verdict needs to know of a departure's provider.
func (c Catalogue) Profile(d departure.Departure) departure.Profile {
	p := c.Profiles.Lookup(d.Account.Provider)
	out := departure.Profile{Provider: p.ID, Name: p.Name, NoTracker: p.RunsNoTracker()}
	for _, class := range p.Data {
		if set := departure.Dataset(class.Dataset); set.Known() && !slices.Contains(out.Datasets, set) {
			out.Datasets = append(out.Datasets, set)
		}
	}
	if !p.Known {
		out.Datasets = departure.Datasets
		out.Uncovered = append(out.Uncovered, departure.Line{ID: "not-known",
			Text: "It is not known what else " + p.Name + " keeps: look through its own pages, and save what you find."})
	}
	for _, class := range p.NotCovered() {
		out.Uncovered = append(out.Uncovered, departure.Line{ID: class.ID,
			Text: class.Name + ": " + class.After + " Where to find it: " + class.Where})
	}
	for _, class := range p.Data {
		if first, ok := p.CountedWith(class); ok {
			out.Uncovered = append(out.Uncovered, departure.Line{ID: class.ID,
				Text: class.Name + ": copied only as far as it is in what you gave or on this device, and counted with " + first.Name +
					", so look yourself that it is there. " + class.After + " Where to find it: " + class.Where})
		}
	}
	out.Consequences = lines(p.Consequences)
	for _, b := range p.Blockers {
		out.Consequences = append(out.Consequences, departure.Line{ID: b.ID, Text: b.Text})
	}
	out.Purchases = lines(p.Records)
	if path, ok := p.Path(d.Path); ok {
		info := pathInfo(path, d.Account.Identity)
		out.Path = departure.Path{ID: info.ID, Title: info.Title, Where: info.Where, Needs: info.Needs}
	}
	if why := c.Profiles.Broken(p.ID); why != "" {
		// What could not be read may have said more, and that there is a tracker.
		out.NoTracker = false
		out.Uncovered = append(out.Uncovered, departure.Line{ID: "unread-profile",
			Text: "What this device's administrator wrote of " + p.Name + " cannot be used, so there may be more: " + why})
	}
	return out
}

func lines(ss []provider.Statement) []departure.Line {
	var ls []departure.Line
	for _, s := range ss {
		ls = append(ls, departure.Line{ID: s.ID, Text: s.Text})
	}
	return ls
}

// pathInfo is a deletion path for one account: its address where there is one,
// else its steps.
func pathInfo(p provider.Path, identity string) PathInfo {
	where := p.At(serverOf(identity))
	if where == "" {
		where = strings.Join(p.Steps, " → ")
	}
	return PathInfo{ID: p.ID, Title: p.Title, Where: where, Needs: departure.Needs(p.Needs)}
}

// serverOf is the address of the server in an identity "user@host[:port]", empty
// where it has none. A server on this machine itself speaks plain HTTP.
func serverOf(identity string) string {
	_, host, ok := cutLast(identity, "@")
	if !ok || host == "" {
		return ""
	}
	u := url.URL{Scheme: "https", Host: host}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.IsLoopback() {
		u.Scheme = "http"
	}
	return u.String()
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Policy answers the engine from this device's policy.
type Policy struct{ Rules policy.Policy }

// For is what the policy says of one departure.
func (p Policy) For(d departure.Departure) departure.Policy {
	_, domain, _ := cutLast(d.Account.Identity, "@")
	allowed := p.Rules.Allows(d.Account.Provider, domain, string(d.Intent))
	out := departure.Policy{
		Allows: allowed.Allowed,
		Why:    departure.Reason{Code: "policy", Text: allowed.Why},
		Delay:  p.Rules.Delay(d.Account.Provider, domain, string(d.Intent)),
		Digest: departure.Digest(p.Rules.Digest()),
	}
	for _, id := range departure.CheckIDs() {
		if p.Rules.Waivable(string(id), domain) {
			out.Waivable = append(out.Waivable, id)
		}
	}
	return out
}
