package davtest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// kind says what lies at a path.
type kind int

const (
	kindRoot kind = iota
	kindPrincipal
	kindBookHome
	kindCalendarHome
	kindBook
	kindCalendar
	kindCard
	kindEvent
	kindFolder
	kindFile
)

// tree is one of the mounts under /remote.php/; each has its own principals
// and homes, as Nextcloud's old and new end points have.
type tree struct {
	prefix, principals, books, calendars, files string
}

var trees = []tree{
	{prefix: "/remote.php/dav/", principals: "principals/users/", books: "addressbooks/users/", calendars: "calendars/", files: "files/"},
	{prefix: "/remote.php/carddav/", principals: "principals/", books: "addressbooks/"},
	{prefix: "/remote.php/caldav/", principals: "principals/", calendars: "calendars/"},
}

const oldFiles = "/remote.php/webdav"

// resource is what a request is about.
type resource struct {
	kind    kind
	tree    tree
	account *Account
	coll    *collection
	item    *item
	file    *file
	owner   *Account // who shares it; nil: the account's own
	href    string   // escaped path, ends with / for collections
}

func (r resource) folder() bool {
	return r.kind != kindCard && r.kind != kindEvent && r.kind != kindFile
}

// under is a child's resource; its href is the parent's with one more segment.
func (r resource) under(k kind, name string) resource {
	child := resource{kind: k, tree: r.tree, account: r.account, coll: r.coll, owner: r.owner, href: r.href + escape(name)}
	if child.folder() {
		child.href += "/"
	}
	return child
}

func escape(name string) string { return strings.ReplaceAll(url.PathEscape(name), "+", "%2B") }

// locate finds the resource; the lock is held. The name of the last segment is
// returned where only that one does not exist, so that PUT can make it.
func (s *Server) locate(a *Account, path string) (res resource, missing string, ok bool) {
	if path == oldFiles || strings.HasPrefix(path, oldFiles+"/") {
		root := resource{kind: kindFolder, account: a, file: a.root, href: s.opts.Prefix + oldFiles + "/"}
		return locateFile(root, strings.TrimPrefix(path, oldFiles))
	}
	for _, t := range trees {
		rest, in := strings.CutPrefix(path+"/", t.prefix)
		if !in {
			continue
		}
		root := resource{kind: kindRoot, tree: t, account: a, href: s.opts.Prefix + t.prefix}
		return s.locateIn(root, strings.TrimSuffix(rest, "/"))
	}
	return resource{}, "", false
}

func (s *Server) locateIn(root resource, rest string) (resource, string, bool) {
	rest = strings.TrimSuffix(rest, "/")
	if rest == "" {
		return root, "", true
	}
	me := root.account.user.Name
	home := func(k kind, prefix string) (resource, string, bool) {
		tail, in := strings.CutPrefix(rest+"/", prefix+me+"/")
		if prefix == "" || !in {
			return resource{}, "", false
		}
		res := root
		res.kind, res.href = k, root.href+prefix+escape(me)+"/"
		return res, strings.TrimSuffix(tail, "/"), true
	}
	if res, tail, in := home(kindPrincipal, root.tree.principals); in {
		return res, "", tail == ""
	}
	if res, tail, in := home(kindBookHome, root.tree.books); in {
		return locateItem(res, tail, root.account.books, kindBook, kindCard)
	}
	if res, tail, in := home(kindCalendarHome, root.tree.calendars); in {
		return locateItem(res, tail, root.account.calendars, kindCalendar, kindEvent)
	}
	if res, tail, in := home(kindFolder, root.tree.files); in {
		res.file = root.account.root
		return locateFile(res, tail)
	}
	return resource{}, "", false
}

func locateItem(home resource, tail string, list []*collection, inner, leaf kind) (resource, string, bool) {
	if tail == "" {
		return home, "", true
	}
	name, itemName, deep := strings.Cut(tail, "/")
	coll := find(list, name)
	if coll == nil {
		return home, name, false
	}
	res := home.under(inner, name)
	res.owner = coll.owner
	coll = coll.own()
	res.coll = coll
	if !deep || itemName == "" {
		return res, "", true
	}
	it := coll.items[itemName]
	if it == nil {
		if strings.Contains(itemName, "/") {
			itemName = ""
		}
		return res, itemName, false
	}
	child := res.under(leaf, itemName)
	child.item = it
	return child, "", true
}

func locateFile(root resource, tail string) (resource, string, bool) {
	parts, err := segments(tail)
	if err != nil {
		return resource{}, "", false
	}
	res := root
	for i, part := range parts {
		next := res.file.at([]string{part})
		if next == nil {
			if i < len(parts)-1 || res.file.children == nil {
				part = ""
			}
			return res, part, false
		}
		res = res.underFile(next)
	}
	return res, "", true
}

func (r resource) underFile(f *file) resource {
	k := kindFile
	if f.children != nil {
		k = kindFolder
	}
	child := r.under(k, f.name)
	if child.file = f; f.owner != nil {
		child.owner = f.owner
	}
	return child
}

// children lists what a depth of 1 adds; the lock is held.
func (r resource) children() []resource {
	var list []resource
	switch r.kind {
	case kindRoot:
		for prefix, k := range map[string]kind{r.tree.principals: kindPrincipal, r.tree.books: kindBookHome, r.tree.calendars: kindCalendarHome} {
			if prefix != "" {
				child := r
				child.kind, child.href = k, r.href+prefix+escape(r.account.user.Name)+"/"
				list = append(list, child)
			}
		}
	case kindBookHome:
		list = r.collections(r.account.books, kindBook)
	case kindCalendarHome:
		list = r.collections(r.account.calendars, kindCalendar)
	case kindBook, kindCalendar:
		leaf := kindCard
		if r.kind == kindCalendar {
			leaf = kindEvent
		}
		for _, it := range r.coll.sorted() {
			child := r.under(leaf, it.name)
			child.item = it
			list = append(list, child)
		}
	case kindFolder:
		for _, f := range r.file.sorted() {
			list = append(list, r.underFile(f))
		}
	}
	return list
}

func (r resource) collections(colls []*collection, k kind) []resource {
	var list []resource
	for _, c := range colls {
		child := r.under(k, c.name)
		child.coll, child.owner = c.own(), c.owner
		list = append(list, child)
	}
	return list
}

// dispatch answers an authenticated request.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, a *Account, path string, f *Injected) {
	switch r.Method {
	case "OPTIONS":
		w.Header().Set("DAV", "1, 3, extended-mkcol, access-control, addressbook, calendar-access, sync-collection, oc-resource-sharing")
		w.Header().Set("Allow", "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, REPORT, MKCOL, MKCALENDAR")
		w.WriteHeader(http.StatusNoContent)
	case "PROPFIND":
		s.propfind(w, r, a, path, f)
	case "REPORT":
		s.report(w, r, a, path, f)
	case "GET", "HEAD":
		s.get(w, r, a, path, f)
	case "PUT":
		s.putRequest(w, r, a, path)
	case "DELETE":
		s.deleteRequest(w, a, path)
	case "MKCOL", "MKCALENDAR":
		s.makeRequest(w, r, a, path)
	default:
		http.Error(w, "method not allowed: "+strconv.Quote(r.Method), http.StatusMethodNotAllowed)
	}
}
