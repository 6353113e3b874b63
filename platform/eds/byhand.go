package eds

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/secrets"
)

// ByHand are the sources that a person set up in Evolution or Calendar, without
// online accounts, as a place where an account is registered. Their ids are
// "eds:" and the source's uid, which is new at each setting up.
type ByHand struct {
	c       *Client
	secrets *secrets.Client
	dirs    Dirs
	config  string // XDG_CONFIG_HOME
}

// NewByHand makes the place of c. configHome is the user's XDG_CONFIG_HOME.
func NewByHand(c *Client, s *secrets.Client, dirs Dirs, configHome string) *ByHand {
	return &ByHand{c: c, secrets: s, dirs: dirs, config: configHome}
}

var (
	_ binding.Place  = (*ByHand)(nil)
	_ binding.Teller = (*ByHand)(nil)
)

const handKind = "eds"

// Kind is "eds".
func (*ByHand) Kind() string { return handKind }

// Folderless says that EDS keeps no folder in step with an account.
func (*ByHand) Folderless() {}

// UIDOf is the uid of an entry's source; ok is false for one of another place.
func UIDOf(entry string) (uid string, ok bool) {
	uid, ok = strings.CutPrefix(entry, handKind+":")
	return uid, ok && uid != ""
}

// Entries lists the sources set up by hand: address books, calendars, lists,
// accounts of several of these, and mail accounts. What belongs to one account of
// several is listed with it.
func (h *ByHand) Entries(ctx context.Context) ([]binding.Entry, error) {
	list, err := h.sources(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	// Where the keyring cannot be asked now, Remove asks it again.
	keyring, err := h.secrets.Default(ctx)
	locked := err == nil && keyring.Locked
	var entries []binding.Entry
	for i := range list {
		entries = append(entries, list[i].entry(locked))
	}
	return entries, nil
}

// sources are those set up by hand. A device without EDS has none.
func (h *ByHand) sources(ctx context.Context) ([]Source, error) {
	if ok, err := h.c.Installed(ctx); err != nil || !ok {
		return nil, err
	}
	all, err := h.c.Sources(ctx)
	if err != nil {
		return nil, err
	}
	return handMade(all)
}

// handMade picks the sources that a person set up by hand and that live at a
// server. One that is not understood may be any: that is an error.
func handMade(all []Source) ([]Source, error) {
	var list []Source
	for i := range all {
		s := &all[i]
		switch {
		case s.Account() || !(s.Kind.Holds() || s.Kind == Collection || s.MailAccount):
			continue
		case s.Malformed != "":
			return nil, fmt.Errorf("the source %q is not understood: %s", cut(s.DisplayName, 80), s.Malformed)
		case s.Host == "" || (s.Backend == "webcal" && s.User == ""):
			continue // of this device, or the public address of somebody's calendar
		}
		list = append(list, *s)
	}
	return slices.DeleteFunc(list, func(s Source) bool {
		return slices.ContainsFunc(list, func(p Source) bool { return slices.Contains(s.Parents, p.UID) })
	}), nil
}

// Who is whose a source is.
func (s *Source) Who() binding.Who {
	w := binding.Who{Type: cmp.Or(s.Backend, "mail"), User: s.User, Host: s.hostPort()}
	if s.ownCloudPrefix() >= 0 {
		w.Type = "owncloud"
	}
	return w
}

// hostPort is the server, with its port where that is not the scheme's own.
func (s *Source) hostPort() string {
	own := 443
	switch {
	case s.Kind == Mail:
		own = 993
	case s.Plain:
		own = 80
	}
	host := binding.HostName(s.Host)
	if s.Port == 0 || s.Port == own || (s.Kind == Mail && s.Port == 143) {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(s.Port))
}

// ownCloudPrefix is where, in the path, the part begins that every server of
// ownCloud and Nextcloud has, -1 where there is none.
// Source: Nextcloud's developer manual, "WebDAV" (remote.php/dav, remote.php/webdav).
func (s *Source) ownCloudPrefix() int { return strings.Index(s.Path, "/remote.php/") }

// server is where the account's data is served, as far as a source tells.
func (s *Source) server() binding.Server {
	if s.Kind == Mail {
		return binding.Server{}
	}
	u := url.URL{Scheme: "https", Host: s.hostPort()}
	if s.Plain {
		u.Scheme = "http"
	}
	at := func(p string) string {
		u.Path = p
		return u.String()
	}
	if i := s.ownCloudPrefix(); i >= 0 {
		root := s.Path[:i] + "/remote.php/"
		return binding.Server{Contacts: at(root + "carddav/"), Calendars: at(root + "caldav/"), Files: at(root + "webdav/")}
	}
	p := "/" + strings.TrimPrefix(s.Path, "/")
	switch s.Kind {
	case AddressBook:
		return binding.Server{Contacts: at(p)}
	case Calendar, TaskList, MemoList:
		return binding.Server{Calendars: at(p)}
	}
	return binding.Server{Contacts: at(p), Calendars: at(p)}
}

// what is what a person calls it.
func (s *Source) what() string {
	switch s.Kind {
	case Collection:
		return "account"
	case Mail:
		return "mail account"
	}
	return strings.ReplaceAll(string(s.Kind), "-", " ")
}

func (s *Source) entry(keyringLocked bool) binding.Entry {
	who := s.Who()
	e := binding.Entry{
		ID: handKind + ":" + s.UID, Who: who, Server: s.server(), Carries: s.Kind != Mail, Mail: s.Kind == Mail,
		Name: fmt.Sprintf("%s in the %s %s, set up by hand", cmp.Or(who.Identity(), who.Host), s.what(), s.DisplayName),
	}
	if s.Kind == Mail || !s.Removable {
		return e.ByHand(fmt.Sprintf("open Evolution, then Edit, Preferences, Mail Accounts or the calendar's own list, choose %s and delete it", s.DisplayName)).Shown()
	}
	if keyringLocked {
		held := handLocked()
		e.Why, e.Blocked = held.Why, &held.Remedy
	}
	return e.Shown()
}

func handLocked() *binding.BlockedError {
	return &binding.BlockedError{
		Why:    departure.Reason{Code: "keyring-locked", Text: "the keyring is locked: removing it now would leave the password behind"},
		Remedy: binding.Unlock(),
	}
}

// Watch tells of sources that come and go.
func (h *ByHand) Watch(changed func()) (stop func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), h.c.opts.CallTimeout)
	defer cancel()
	if ok, err := h.c.Installed(ctx); err != nil || !ok {
		return func() {}, err
	}
	name, err := h.c.name(ctx, sourceRegistry)
	if err != nil {
		return nil, err
	}
	sub, err := h.c.conn.Subscribe(func(e bus.Event) {
		// What an entry says of itself changes as it is used. Where it points to
		// another server, the watch of the stores hears it.
		if e.Kind != bus.Signal || strings.HasPrefix(e.Signal.Name, omFace+".") {
			changed()
		}
	}, bus.Rule{Sender: name, Under: slashed + "SourceManager"})
	if err != nil {
		return nil, failed(ctx, "listen to the sources", err)
	}
	return sub.Close, nil
}

// Fence returns once every change before it was told.
func (h *ByHand) Fence(ctx context.Context) error {
	if ok, err := h.c.Installed(ctx); err != nil || !ok {
		return err
	}
	name, err := h.c.name(ctx, sourceRegistry)
	if err != nil {
		return err
	}
	return h.c.fence(ctx, name)
}
