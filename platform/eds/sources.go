package eds

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/gkeyfile"
)

// Kind of a source.
type Kind string

const (
	AddressBook Kind = "address-book"
	Calendar    Kind = "calendar"
	TaskList    Kind = "task-list"
	MemoList    Kind = "memo-list"
	Mail        Kind = "mail"       // accounts, identities, transports
	Collection  Kind = "collection" // parent of an account's other sources
	Other       Kind = "other"
)

// Holds tells whether a source of this kind holds items that can be opened.
func (k Kind) Holds() bool {
	return k == AddressBook || k == Calendar || k == TaskList || k == MemoList
}

// groups of the key file that make a kind, in the order of looking.
var groups = []struct {
	name string
	kind Kind
}{
	{"Address Book", AddressBook}, {"Calendar", Calendar}, {"Task List", TaskList}, {"Memo List", MemoList},
	{"Collection", Collection}, {"Mail Account", Mail}, {"Mail Identity", Mail}, {"Mail Transport", Mail}, {"Mail Submission", Mail},
}

// Evidence says what a listing can prove.
type Evidence string

const (
	// EvidenceOrigin: the items live in this store; what it lists is all.
	EvidenceOrigin Evidence = "origin"
	// EvidenceCache: the store copies a collection that lives elsewhere and
	// proves nothing about it, neither what it holds nor that it is empty.
	EvidenceCache Evidence = "cache"
	// EvidenceDerived: the items are made from others (birthdays, weather).
	EvidenceDerived Evidence = "derived"
)

// Source is one entry of EDS's registry.
type Source struct {
	UID         string
	Parents     []string // UIDs, nearest first; all that could be followed
	DisplayName string
	Kind        Kind
	Backend     string // "local", "carddav", "caldav", …; of the kind's group
	Enabled     bool   // with all its parents
	Writable    bool   // its registry entry, not its items
	Removable   bool
	MailAccount bool   // of kind Mail: the account itself, not an identity or a transport
	Status      string // ConnectionStatus: "", disconnected, connecting, connected, …; never evidence

	GOAAccount string // Id of the GOA account that it descends from, "" for none
	UOAAccount string // of Ubuntu Online Accounts
	Local      bool   // lives on this device and descends from no account

	// Where a remote one lives, resolved along its parents; "" unknown.
	Host, User, Path string
	Port             int  // 0 unknown
	Plain            bool // asked without TLS

	// Malformed says why a part of the entry was not understood, "" if all
	// was. Such a source is unknown, never local.
	Malformed string
}

// Evidence that a listing of this source gives.
func (s Source) Evidence() Evidence {
	switch {
	case s.Local:
		return EvidenceOrigin
	case s.Malformed == "" && (s.Backend == "contacts" || s.Backend == "weather"):
		return EvidenceDerived
	}
	return EvidenceCache
}

// Account tells whether the source descends from an account of GNOME or
// Ubuntu Online Accounts.
func (s Source) Account() bool { return s.GOAAccount != "" || s.UOAAccount != "" }

const (
	maxSources = 10_000
	maxParents = 32
)

// entry is a source as the registry gives it.
type entry struct {
	path      dbus.ObjectPath
	uid       string
	status    string
	writable  bool
	removable bool
	file      gkeyfile.File
	malformed string
}

// Sources returns every source of the registry, sorted by UID: a complete
// list of what EDS knows, which says nothing about the collections that an
// account has at its server. ErrUnavailable where EDS cannot be reached.
func (c *Client) Sources(ctx context.Context) ([]Source, error) {
	entries, err := c.entries(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Source, 0, len(entries))
	for _, e := range entries {
		list = append(list, resolve(e, entries))
	}
	slices.SortFunc(list, func(a, b Source) int { return cmp.Compare(a.UID, b.UID) })
	return list, nil
}

// Source returns one source, ErrGone where there is none.
func (c *Client) Source(ctx context.Context, uid string) (Source, error) {
	list, err := c.Sources(ctx)
	if err != nil {
		return Source{}, err
	}
	for _, s := range list {
		if s.UID == uid {
			return s, nil
		}
	}
	return Source{}, fmt.Errorf("cannot find source %q: %w", cut(uid, 80), ErrGone)
}

type managed = map[dbus.ObjectPath]map[string]map[string]dbus.Variant

func registryAt(name string) target { return target{name, slashed + "SourceManager"} }

func (c *Client) entries(ctx context.Context) (map[string]entry, error) {
	const doing = "list the sources"
	name, err := c.name(ctx, sourceRegistry)
	if err != nil {
		return nil, err
	}
	var objects managed
	if err := c.call(ctx, c.opts.CallTimeout, registryAt(name), omFace+".GetManagedObjects", nil, &objects); err != nil {
		c.forget()
		return nil, failed(ctx, doing, err)
	}
	if len(objects) > maxSources {
		return nil, fmt.Errorf("cannot %s: %d of them: %w", doing, len(objects), ErrTooLarge)
	}
	entries := make(map[string]entry, len(objects))
	for path, faces := range objects {
		e, ok, err := readEntry(path, faces)
		if err != nil {
			return nil, failed(ctx, doing, err)
		}
		if _, twice := entries[e.uid]; ok && twice {
			return nil, fmt.Errorf("cannot %s: two have the id %q: %w", doing, cut(e.uid, 80), ErrReply)
		}
		if ok {
			entries[e.uid] = e
		}
	}
	return entries, nil
}

// readEntry returns ok false for an object that is no source.
func readEntry(path dbus.ObjectPath, faces map[string]map[string]dbus.Variant) (entry, bool, error) {
	props, ok := faces[dotted+"Source"]
	if !ok {
		return entry{}, false, nil
	}
	uid, err := prop[string](props, "UID")
	if err != nil || uid == "" {
		return entry{}, false, fmt.Errorf("%w: a source without an id (%w)", ErrReply, cmp.Or(err, ErrReply))
	}
	e := entry{path: path, uid: uid}
	_, e.writable = faces[dotted+"Source.Writable"]
	_, e.removable = faces[dotted+"Source.Removable"]
	data, err := prop[string](props, "Data")
	if err == nil {
		e.file, err = dataOf(data)
	}
	status, statusErr := prop[string](props, "ConnectionStatus")
	e.status = status
	if err = errors.Join(err, statusErr); err != nil {
		e.malformed = err.Error()
	}
	return e, true, nil
}

// resolve follows the parents.
func resolve(e entry, all map[string]entry) Source {
	s := Source{
		UID: e.uid, DisplayName: cut(e.file["Data Source"]["DisplayName"], 500), Kind: Other, Status: e.status,
		Writable: e.writable, Removable: e.removable, Malformed: e.malformed,
		Enabled: e.file.Bool("Data Source", "Enabled", true),
	}
	for _, g := range groups {
		if e.file.Has(g.name) {
			s.Kind, s.Backend, s.MailAccount = g.kind, e.file[g.name]["BackendName"], g.name == "Mail Account"
			break
		}
	}
	chain := parents(e, all, &s)
	for _, p := range chain {
		s.Enabled = s.Enabled && p.file.Bool("Data Source", "Enabled", true)
	}
	for _, p := range append([]entry{e}, chain...) {
		s.GOAAccount = cmp.Or(s.GOAAccount, accountOf(p, "GNOME Online Accounts"))
		s.UOAAccount = cmp.Or(s.UOAAccount, accountOf(p, "Ubuntu Online Accounts"))
		locate(&s, p)
	}
	s.Plain = plain(append([]entry{e}, chain...))
	remote := s.Account() || s.Host != "" || slices.ContainsFunc(chain, func(p entry) bool { return p.file.Has("Collection") })
	s.Local = s.Kind.Holds() && s.Backend == "local" && !remote && s.Malformed == ""
	return s
}

// accountOf is never "" for a source that has the account's group at all.
func accountOf(e entry, group string) string {
	if !e.file.Has(group) {
		return ""
	}
	if id := e.file[group]["AccountId"]; id != "" {
		return id
	}
	return "unknown"
}

func parents(e entry, all map[string]entry, s *Source) []entry {
	var chain []entry
	for uid := e.file["Data Source"]["Parent"]; uid != ""; uid = chain[len(chain)-1].file["Data Source"]["Parent"] {
		p, ok := all[uid]
		if !ok {
			s.Malformed = cmp.Or(s.Malformed, fmt.Sprintf("its parent %q is not there", cut(uid, 80)))
			return chain
		}
		if len(chain) == maxParents {
			s.Malformed = cmp.Or(s.Malformed, "its parents form a circle")
			return chain
		}
		if p.malformed != "" {
			s.Malformed = cmp.Or(s.Malformed, "its parent's entry: "+p.malformed)
		}
		chain = append(chain, p)
		s.Parents = append(s.Parents, uid)
	}
	return chain
}

// locate fills what is still unknown of the place from one entry.
func locate(s *Source, e entry) {
	const auth, dav, coll = "Authentication", "WebDAV Backend", "Collection"
	if s.Host == "" {
		s.Host = strings.ToLower(e.file[auth]["Host"])
		if port, err := strconv.ParseUint(e.file[auth]["Port"], 10, 16); err == nil && s.Host != "" {
			s.Port = int(port)
		}
	}
	s.User = cmp.Or(s.User, e.file[auth]["User"], e.file[coll]["Identity"])
	s.Path = cmp.Or(s.Path, e.file[dav]["ResourcePath"])
	for _, key := range []string{"ContactsUrl", "CalendarUrl"} {
		u, err := url.Parse(e.file[coll][key])
		if s.Host != "" || err != nil || u.Host == "" {
			continue
		}
		s.Host = strings.ToLower(u.Hostname())
		if port, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
			s.Port = int(port)
		}
	}
}

// plain reports whether the server is asked without TLS, by the nearest entry that
// says so: its method of security, or an address. Source: ESourceSecurity of
// libedataserver, whose method is "none" for it.
func plain(chain []entry) bool {
	for _, e := range chain {
		if e.file.Has("Security") {
			method := strings.TrimSpace(e.file["Security"]["Method"])
			return method == "" || method == "none"
		}
		if at := cmp.Or(e.file["Collection"]["ContactsUrl"], e.file["Collection"]["CalendarUrl"]); at != "" {
			return strings.HasPrefix(at, "http://")
		}
	}
	return false
}

// maxData bounds a source's Data, in bytes: the largest of EDS's own has 6 kB.
const maxData = 1 << 20

// dataOf reads a source's Data. With an error comes what is understood of it: a
// caller decides whether a half-read source will do.
func dataOf(data string) (gkeyfile.File, error) {
	file, err := gkeyfile.Parse(data, maxData)
	if err != nil {
		err = fmt.Errorf("cannot read the source's data: %w", err)
	}
	return file, err
}
