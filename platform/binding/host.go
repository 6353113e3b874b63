package binding

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// ownPorts are the ports of the schemes that an account's address has.
var ownPorts = map[string]string{
	"http": "80", "dav": "80", "https": "443", "davs": "443",
	"imap": "143", "imaps": "993", "smtp": "25", "smtps": "465", "ftp": "21", "sftp": "22", "smb": "445",
}

// Host is the server of an address as [Who] has it, "" where the address names
// none.
func Host(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Hostname() == "" {
		return ""
	}
	host, port := HostName(u.Hostname()), u.Port()
	if port == "" || port == ownPorts[u.Scheme] {
		return host
	}
	return net.JoinHostPort(host, port)
}

// HostName is the one spelling of a server's name, or of its name and port: in
// lower case, without a dot at the end, letters beyond ASCII as the network has
// them (RFC 5891), and an IP address in its shortest form.
func HostName(name string) string {
	if host, port, err := net.SplitHostPort(name); err == nil && port != "" {
		return net.JoinHostPort(HostName(host), port)
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return ip.Unmap().WithZone("").String()
	}
	if ascii, err := idna.Lookup.ToASCII(name); err == nil {
		return ascii
	}
	return name // no name of a server's, such as one with an underscore
}
