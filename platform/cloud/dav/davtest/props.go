package davtest

import (
	"encoding/xml"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// value is a property's inner XML, and whether the resource has it.
func (a *answer) value(res resource, name xml.Name) (string, bool) {
	switch name.Space {
	case nsDAV:
		return a.davValue(res, name.Local)
	case nsCS:
		if name.Local == "getctag" && res.coll != nil && res.folder() && !a.server.opts.NoState {
			return text(res.coll.syncToken()), true
		}
	case nsCard:
		return cardValue(res, name.Local)
	case nsCal:
		return calValue(res, name.Local)
	case nsOC, nsNC, nsNCDAV:
		if res.coll != nil && res.folder() {
			return sharingValue(res, name)
		}
		return cloudValue(res, name.Local)
	}
	return "", false
}

func (a *answer) davValue(res resource, local string) (string, bool) {
	base := a.server.opts.Prefix + res.tree.prefix
	me := escape(res.account.user.Name) + "/"
	switch local {
	case "resourcetype":
		return resourceType(res), true
	case "displayname":
		return displayName(res)
	case "getetag":
		etag, ok := a.etag(res)
		return text(etag), ok
	case "getcontenttype":
		return contentType(res)
	case "getcontentlength":
		if res.item != nil && !a.server.opts.NoSizes {
			return number(int64(len(res.item.data))), true
		}
		if res.kind == kindFile {
			return number(res.file.size()), true
		}
	case "getlastmodified":
		if res.item != nil {
			return res.item.modified.UTC().Format(http.TimeFormat), true
		}
		if res.file != nil {
			return res.file.modified.UTC().Format(http.TimeFormat), true
		}
	case "current-user-principal":
		if res.tree.prefix == "" { // the old files mount has no principals
			return href(a.server.opts.Prefix + trees[0].prefix + trees[0].principals + me), true
		}
		return href(base + res.tree.principals + me), true
	case "principal-URL":
		return href(base + res.tree.principals + me), res.tree.prefix != ""
	case "owner":
		return href(base + res.tree.principals + escape(res.ownerOf().user.Name) + "/"), res.tree.prefix != ""
	case "principal-collection-set":
		return href(base + res.tree.principals), res.tree.prefix != ""
	case "sync-token":
		if res.coll != nil && res.folder() && !a.server.opts.NoState {
			return text(res.coll.syncToken()), true
		}
	case "current-user-privilege-set":
		return privileges, true
	case "supported-report-set":
		return reports(res), true
	}
	return "", false
}

const privileges = `<d:privilege><d:read/></d:privilege><d:privilege><d:write/></d:privilege><d:privilege><d:write-content/></d:privilege>` +
	`<d:privilege><d:write-properties/></d:privilege><d:privilege><d:bind/></d:privilege><d:privilege><d:unbind/></d:privilege>`

func reports(res resource) string {
	one := func(name string) string {
		return "<d:supported-report><d:report><" + name + "/></d:report></d:supported-report>"
	}
	switch res.kind {
	case kindBook:
		return one("d:sync-collection") + one("card:addressbook-multiget") + one("card:addressbook-query")
	case kindCalendar:
		return one("d:sync-collection") + one("cal:calendar-multiget") + one("cal:calendar-query")
	}
	return ""
}

func resourceType(res resource) string {
	switch res.kind {
	case kindPrincipal:
		return "<d:principal/>"
	case kindBook:
		return "<d:collection/><card:addressbook/>"
	case kindCalendar:
		return "<d:collection/><cal:calendar/>"
	}
	if res.folder() {
		return "<d:collection/>"
	}
	return ""
}

func displayName(res resource) (string, bool) {
	switch {
	case res.kind == kindPrincipal:
		return text(res.account.user.Name), true
	case res.coll != nil && res.folder():
		return text(res.coll.title), true
	case res.file != nil:
		return text(res.file.name), true
	}
	return "", false
}

func (a *answer) etag(res resource) (string, bool) {
	etag := ""
	switch {
	case res.item != nil:
		etag = res.item.etag
	case res.kind == kindFile, res.kind == kindFolder && !a.server.opts.NoState:
		etag = res.file.etag
	}
	if a.fault != nil && a.fault.ETag != "" && etag != "" {
		if etag = a.fault.ETag; etag == "*" {
			etag = fmt.Sprintf(`"%d"`, a.server.next())
		}
	}
	return etag, etag != "" && etag != "-"
}

func contentType(res resource) (string, bool) {
	switch res.kind {
	case kindCard:
		return "text/vcard; charset=utf-8", true
	case kindEvent:
		return "text/calendar; charset=utf-8", true
	case kindFile:
		if t := mime.TypeByExtension(path.Ext(res.file.name)); t != "" {
			return t, true
		}
		return "application/octet-stream", true
	}
	return "", false
}

func cardValue(res resource, local string) (string, bool) {
	switch local {
	case "addressbook-home-set":
		if res.kind == kindPrincipal && res.tree.books != "" {
			return href(homePath(res, res.tree.books)), true
		}
	case "supported-address-data":
		if res.kind == kindBook {
			return `<card:address-data-type content-type="text/vcard" version="3.0"/><card:address-data-type content-type="text/vcard" version="4.0"/>`, true
		}
	case "address-data":
		if res.kind == kindCard {
			return text(string(res.item.data)), true
		}
	}
	return "", false
}

func calValue(res resource, local string) (string, bool) {
	switch local {
	case "calendar-home-set":
		if res.kind == kindPrincipal && res.tree.calendars != "" {
			return href(homePath(res, res.tree.calendars)), true
		}
	case "calendar-user-address-set":
		if res.kind == kindPrincipal {
			return href("mailto:" + res.account.user.Name + "@example.invalid"), true
		}
	case "supported-calendar-component-set":
		if res.kind == kindCalendar {
			inner := ""
			for _, c := range res.coll.components {
				inner += `<cal:comp name="` + text(c) + `"/>`
			}
			return inner, true
		}
	case "calendar-data":
		if res.kind == kindEvent {
			return text(string(res.item.data)), true
		}
	}
	return "", false
}

func cloudValue(res resource, local string) (string, bool) {
	if res.file == nil {
		return "", false
	}
	folder := res.kind == kindFolder
	files, folders := res.file.count()
	switch {
	case local == "fileid":
		return strconv.FormatUint(res.file.id, 10), true
	case local == "id":
		return strconv.FormatUint(res.file.id, 10) + "davtest", true
	case local == "size":
		return number(res.file.size()), true
	case local == "permissions":
		return permissions(res), true
	case local == "owner-id", local == "owner-display-name":
		return text(res.ownerOf().user.Name), true
	case local == "mount-type":
		if res.owner != nil {
			return "shared", true
		}
		return "", true
	case local == "checksums" && !folder:
		return "<oc:checksum>" + res.file.sum + "</oc:checksum>", true
	case local == "contained-file-count" && folder:
		return number(int64(files)), true
	case local == "contained-folder-count" && folder:
		return number(int64(folders)), true
	}
	return "", false
}

// permissions are those of Nextcloud's DavUtil: S is shared by another, M the
// root of what is.
func permissions(res resource) string {
	p := "RGDNV"
	if res.owner != nil {
		p = "S" + p
	}
	if res.file.owner != nil {
		p = strings.Replace(p, "R", "RM", 1)
	}
	if res.kind == kindFolder {
		return p + "CK"
	}
	return p + "W"
}

// sharingValue is what Nextcloud's calendars and address books say of being
// shared: text, not hrefs (CalDavBackend, CardDavBackend).
func sharingValue(res resource, name xml.Name) (string, bool) {
	switch name {
	case xml.Name{Space: nsOC, Local: "owner-principal"}:
		return text("principals/users/" + res.ownerOf().user.Name), true
	case xml.Name{Space: nsNCDAV, Local: "owner-displayname"}:
		return text(res.ownerOf().user.Name), true
	}
	return "", false
}

// homePath is the principal's path with the principals part replaced.
func homePath(res resource, part string) string {
	end := len(res.href) - len(res.tree.principals) - len(escape(res.account.user.Name)) - 1
	return res.href[:end] + part + escape(res.account.user.Name) + "/"
}
