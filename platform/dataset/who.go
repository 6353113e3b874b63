package dataset

import (
	"net/url"
	"strings"

	"github.com/clearance-project/clearance/platform/binding"
)

// AtServer says whose a store is that is kept in step with the server at an
// address: typ is as [binding.Who.Type]. user is "" where nobody says it; then
// the address may.
func AtServer(typ, address, user string) binding.Who {
	w := binding.Who{Type: typ, User: user, Host: binding.Host(address)}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return w
	}
	if w.User == "" && u.User != nil {
		w.User = u.User.Username()
	}
	return w
}
