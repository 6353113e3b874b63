package dav

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Endpoint is a server and the account there, in one form for comparing: the
// host in lower case without a dot at the end, IPv6 without brackets, the port
// always given. Nothing is resolved yet.
type Endpoint struct {
	Host string
	Port string
	User string
}

// NewEndpoint reads a URI, as of a DAV account or a mount. A user in the URI
// counts where user is empty.
func NewEndpoint(uri, user string) (Endpoint, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" {
		return Endpoint{}, errors.New("cannot read the server's address: not a URI with a host")
	}
	scheme := strings.ToLower(u.Scheme)
	switch scheme {
	case "dav":
		scheme = "http"
	case "davs":
		scheme = "https"
	}
	u.Scheme = scheme
	o := originOf(u)
	if o.port == "" {
		return Endpoint{}, fmt.Errorf("cannot read the server's address: no port known for %q", u.Scheme)
	}
	if user == "" {
		user = u.User.Username()
	}
	host := o.host
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().WithZone("").String()
	} else if !plainName(host) {
		return Endpoint{}, errors.New("cannot read the server's address: the host is not in its ASCII form")
	}
	return Endpoint{Host: host, Port: o.port, User: user}, nil
}

func plainName(host string) bool {
	for _, r := range host {
		if r != '-' && r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return host != ""
}

// Network is what resolving needs of the system; SystemNetwork is the real one.
type Network interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	// Own lists the addresses of this machine.
	Own() ([]netip.Addr, error)
}

// SystemNetwork asks the system's resolver and interfaces.
type SystemNetwork struct{ net.Resolver }

// Own lists the addresses of this machine's interfaces.
func (*SystemNetwork) Own() ([]netip.Addr, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("cannot list the interfaces: %w", err)
	}
	var own []netip.Addr
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, prefix.Addr())
		}
	}
	return own, nil
}

// SameAccount says whether two end points are one account at one server: the
// same user and port, and hosts that are equal or share a resolved address. All
// loopback addresses and this machine's own are one address; ports 80 and 443
// are one. It errs on the side of the same: two names on one shared host count
// as one. An error means unknown, and unknown is never apart.
func SameAccount(ctx context.Context, n Network, a, b Endpoint) (bool, error) {
	// A mount that hides its user may be the account's.
	if a.User != "" && b.User != "" && !sameUser(a.User, b.User) {
		return false, nil
	}
	return SameServer(ctx, n, a, b)
}

// sameUser also takes "alice" and "alice@example.org" for one: servers let people
// sign in by either.
func sameUser(a, b string) bool {
	if strings.Contains(a, "@") != strings.Contains(b, "@") {
		a, _, _ = strings.Cut(a, "@")
		b, _, _ = strings.Cut(b, "@")
	}
	return strings.EqualFold(a, b)
}

// SameServer compares the servers alone, as SameAccount does.
func SameServer(ctx context.Context, n Network, a, b Endpoint) (bool, error) {
	if a.Port != b.Port && (!isWeb(a.Port) || !isWeb(b.Port)) {
		return false, nil
	}
	if a.Host == b.Host && a.Host != "" {
		return true, nil
	}
	first, err := resolve(ctx, n, a.Host)
	if err != nil {
		return false, err
	}
	second, err := resolve(ctx, n, b.Host)
	if err != nil {
		return false, err
	}
	for addr := range first {
		if second[addr] {
			return true, nil
		}
	}
	return false, nil
}

func isWeb(port string) bool { return port == "80" || port == "443" }

// resolve gives a host's addresses in canonical form.
func resolve(ctx context.Context, n Network, host string) (map[netip.Addr]bool, error) {
	var found []netip.Addr
	if ip, err := netip.ParseAddr(host); err == nil {
		found = []netip.Addr{ip}
	} else if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, 6.3
		found = []netip.Addr{netip.IPv6Loopback()}
	} else {
		found, err = n.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, fmt.Errorf("cannot resolve the server's host: %w", err)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("cannot resolve the server's host: no address")
	}
	own, err := n.Own()
	if err != nil {
		return nil, err
	}
	mine := make(map[netip.Addr]bool, len(own))
	for _, ip := range own {
		mine[ip.Unmap().WithZone("")] = true
	}
	set := make(map[netip.Addr]bool, len(found))
	for _, ip := range found {
		ip = ip.Unmap().WithZone("")
		if ip.IsLoopback() || ip.IsUnspecified() || mine[ip] {
			ip = netip.IPv6Loopback()
		}
		set[ip] = true
	}
	return set, nil
}
