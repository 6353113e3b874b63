package binding

import (
	"net"
	"net/url"
	"strings"
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
	host, port := strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), u.Port()
	if port == "" || port == ownPorts[u.Scheme] {
		return host
	}
	return net.JoinHostPort(host, port)
}
