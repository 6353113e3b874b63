package dav

import (
	"path"
	"strings"
)

// Person is who shares something with the account; the zero value is nobody: it
// is the account's own.
type Person struct {
	// ID is the server's name for them, Name what a person calls them.
	ID, Name string
}

func (p *props) person(id string) Person {
	name := p.ownerName
	if name == "" {
		name = id
	}
	return Person{ID: id, Name: name}
}

// sharing is what a server says of whose something is. An owner alone proves
// nothing, for servers call theirs by many names: something is another person's
// only where the server says both that it is shared and by whom, and the account's
// own name differs.
//
// Files, as Nextcloud and ownCloud have it: oc:permissions holds an S for what is
// in another user's share (DavUtil::getDavPermissions in lib/public/Files), and
// oc:owner-id and oc:owner-display-name name that user (FilesPlugin in
// apps/dav/lib/Connector/Sabre; "Basic APIs" in the developer manual lists all
// three). Everything below a shared folder says so too. Group folders and external
// storage have an M and no S, and count as the account's own.
//
// Address books and calendars: oc:owner-principal, as text, names the owner's
// principal, which is the account's own for its own (getOwner in apps/dav/lib/CardDAV/
// AddressBook.php and CalDAV/Calendar.php), with the owner's name beside it in
// {http://nextcloud.com/ns}owner-displayname. Elsewhere cs:shared among the types
// marks it (caldav-sharing.txt of calendarserver.org, 5.3), with DAV:owner.
type sharing struct {
	permissions        string
	ownerID, ownerName string
	ownerPrincipal     string
}

// sharedFile is who shares a file or folder with me, the owner-id of the account's
// own root.
func (p *props) sharedFile(me string) Person {
	if me == "" || p.ownerID == "" || strings.EqualFold(p.ownerID, me) || !strings.Contains(p.permissions, "S") {
		return Person{}
	}
	return p.person(p.ownerID)
}

// sharedCollection is who shares an address book or calendar with a principal.
func (p *props) sharedCollection(owner, principal string) Person {
	id := lastName(p.ownerPrincipal)
	if id == "" && p.is(nsCS, "shared") {
		id = lastName(owner)
	}
	me := lastName(principal)
	if id == "" || me == "" || strings.EqualFold(id, me) || owner != "" && !strings.EqualFold(lastName(owner), id) {
		return Person{}
	}
	return p.person(id)
}

// lastName is the last segment of a principal's path: end points of one server
// differ in what goes before it.
func lastName(principal string) string {
	if strings.Trim(principal, "/") == "" {
		return ""
	}
	return path.Base(principal)
}
