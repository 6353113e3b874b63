package goa

import (
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/binding"
)

const (
	// Service is GOA's name on the session bus.
	Service     = "org.gnome.OnlineAccounts"
	rootPath    = dbus.ObjectPath("/org/gnome/OnlineAccounts")
	managerPath = rootPath + "/Manager"

	managerIface  = Service + ".Manager"
	accountIface  = Service + ".Account"
	contactsIface = Service + ".Contacts"
	calendarIface = Service + ".Calendar"
	filesIface    = Service + ".Files"
	passwordIface = Service + ".PasswordBased"
	oauth2Iface   = Service + ".OAuth2Based"
)

// Account is one account that GOA holds.
type Account struct {
	ID   string // account_1669248000_0: new each time that an account is added
	Path dbus.ObjectPath
	// Provider is GOA's type of it: owncloud, google, ms_graph, imap_smtp …
	Provider     string
	ProviderName string // as shown to a person
	Identity     string // the user's name at the provider
	Presentation string // the account's name as shown to a person
	// Host is the server, in lower case, with its port where that is not the
	// scheme's own. Empty for a provider that has one server for everybody.
	Host string

	Locked          bool // an administrator set it up: GOA refuses to remove it
	Temporary       bool
	AttentionNeeded bool

	// Contacts, Calendar and Files are the addresses of what the account
	// serves. Empty: not served, or switched off.
	Contacts, Calendar, Files string
	// AcceptSSLErrors: the person told GOA to trust a certificate that does not
	// verify.
	AcceptSSLErrors bool

	Password, OAuth2 bool // how it signs in
}

// objects is what GetManagedObjects answers.
type objects = map[dbus.ObjectPath]map[string]map[string]dbus.Variant

// properties are those of one interface of one object.
type properties struct {
	path   dbus.ObjectPath
	iface  string
	values map[string]dbus.Variant
	err    error // the first property that was not as the interface has it
}

func (p *properties) text(name string) string {
	text, ok := p.values[name].Value().(string)
	if !ok {
		p.fail(name)
	}
	return text
}

func (p *properties) flag(name string) bool {
	flag, ok := p.values[name].Value().(bool)
	if !ok {
		p.fail(name)
	}
	return flag
}

func (p *properties) fail(name string) {
	if p.err == nil {
		p.err = fmt.Errorf("cannot use GOA's answer: %s of %s is missing or of another type", p.iface+"."+name, p.path)
	}
}

// readAccount makes an Account of an object's interfaces. ok is false for an
// object that is no account.
func readAccount(path dbus.ObjectPath, interfaces map[string]map[string]dbus.Variant, conf group) (a Account, ok bool, err error) {
	values, ok := interfaces[accountIface]
	if !ok {
		return Account{}, false, nil
	}
	p := &properties{path: path, iface: accountIface, values: values}
	a = Account{
		Path: path, ID: p.text("Id"),
		Provider: p.text("ProviderType"), ProviderName: p.text("ProviderName"),
		Identity: p.text("Identity"), Presentation: p.text("PresentationIdentity"),
		Locked: p.flag("IsLocked"), Temporary: p.flag("IsTemporary"), AttentionNeeded: p.flag("AttentionNeeded"),
	}
	if p.err != nil {
		return Account{}, false, p.err
	}
	if a.ID == "" || a.Provider == "" {
		return Account{}, false, fmt.Errorf("cannot use GOA's answer: %s has no id or no provider", path)
	}
	if err := a.readServices(interfaces); err != nil {
		return Account{}, false, err
	}
	_, a.Password = interfaces[passwordIface]
	_, a.OAuth2 = interfaces[oauth2Iface]
	a.AcceptSSLErrors = a.AcceptSSLErrors || conf.isTrue("AcceptSslErrors")
	a.Host = conf.host()
	return a, true, nil
}

// readServices reads what the account serves, and from where.
func (a *Account) readServices(interfaces map[string]map[string]dbus.Variant) error {
	for _, s := range []struct {
		iface string
		to    *string
	}{
		{contactsIface, &a.Contacts}, {calendarIface, &a.Calendar}, {filesIface, &a.Files},
	} {
		values, ok := interfaces[s.iface]
		if !ok {
			continue
		}
		p := &properties{path: a.Path, iface: s.iface, values: values}
		*s.to = p.text("Uri")
		a.AcceptSSLErrors = p.flag("AcceptSslErrors") || a.AcceptSSLErrors
		if p.err != nil {
			return p.err
		}
	}
	return nil
}

// host is the account's server as the key file has it. What an account serves
// may be switched off, and then its addresses are nowhere else.
func (g group) host() string {
	if host := binding.Host(g["Uri"]); host != "" {
		return host
	}
	if host := g["ImapHost"]; host != "" {
		return binding.HostName(host)
	}
	return binding.HostName(g["Host"])
}
