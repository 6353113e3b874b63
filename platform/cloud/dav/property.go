package dav

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// property reads one property into p; those that nobody asked for are skipped.
func (p *parser) property(to *props, start *xml.StartElement) error {
	switch start.Name {
	case xml.Name{Space: nsDAV, Local: "resourcetype"}:
		return p.children(func(t *xml.StartElement) error {
			to.types = append(to.types, t.Name)
			return p.skip()
		})
	case xml.Name{Space: nsDAV, Local: "current-user-principal"}:
		return p.children(func(t *xml.StartElement) error {
			if t.Name == (xml.Name{Space: nsDAV, Local: "unauthenticated"}) {
				to.unauthenticated = true
				return p.skip()
			}
			return p.href(&to.principal, t)
		})
	case xml.Name{Space: nsDAV, Local: "owner"}:
		return p.children(func(t *xml.StartElement) error { return p.href(&to.owner, t) })
	case xml.Name{Space: nsCard, Local: "addressbook-home-set"}:
		return p.hrefs(&to.bookHomes)
	case xml.Name{Space: nsCal, Local: "calendar-home-set"}:
		return p.hrefs(&to.calendarHome)
	case xml.Name{Space: nsCal, Local: "supported-calendar-component-set"}:
		return p.children(func(t *xml.StartElement) error {
			for _, a := range t.Attr {
				if t.Name.Local == "comp" && a.Name.Local == "name" {
					to.components = append(to.components, strings.ToUpper(a.Value))
				}
			}
			return p.skip()
		})
	case xml.Name{Space: nsOC, Local: "owner-principal"}:
		// Text at Nextcloud, an href elsewhere.
		text, err := p.deepText()
		to.ownerPrincipal = strings.TrimSpace(text)
		return err
	case xml.Name{Space: nsOC, Local: "checksums"}:
		return p.children(func(t *xml.StartElement) error {
			text, err := p.text()
			to.checksums = append(to.checksums, strings.Fields(text)...)
			return err
		})
	}
	return p.textProperty(to, start.Name)
}

func (p *parser) textProperty(to *props, name xml.Name) error {
	known := true
	var set func(text string) error
	keep := func(at *string) func(string) error {
		return func(text string) error { *at = strings.TrimSpace(text); return nil }
	}
	count := func(at *int64) func(string) error {
		return func(text string) error {
			text = strings.TrimSpace(text)
			n, err := strconv.ParseInt(text, 10, 64)
			switch {
			case text == "": // an empty element, as in a propstat of 404
			case err != nil || n < 0:
				to.bad = fmt.Errorf("%w: a number that is none", ErrMalformed)
			default:
				*at = n
			}
			return nil
		}
	}
	switch name {
	case xml.Name{Space: nsDAV, Local: "getetag"}:
		set = keep(&to.etag)
	case xml.Name{Space: nsDAV, Local: "displayname"}:
		set = keep(&to.name)
	case xml.Name{Space: nsDAV, Local: "getcontenttype"}:
		set = keep(&to.contentType)
	case xml.Name{Space: nsDAV, Local: "sync-token"}:
		set = keep(&to.syncToken)
	case xml.Name{Space: nsCS, Local: "getctag"}:
		set = keep(&to.ctag)
	case xml.Name{Space: nsOC, Local: "fileid"}:
		set = keep(&to.fileID)
	case xml.Name{Space: nsOC, Local: "permissions"}:
		set = keep(&to.permissions)
	case xml.Name{Space: nsOC, Local: "owner-id"}:
		set = keep(&to.ownerID)
	case xml.Name{Space: nsOC, Local: "owner-display-name"}, xml.Name{Space: nsNCDAV, Local: "owner-displayname"}:
		set = keep(&to.ownerName)
	case xml.Name{Space: nsDAV, Local: "getcontentlength"}:
		set = count(&to.size)
	case xml.Name{Space: nsNC, Local: "contained-file-count"}:
		set = count(&to.files)
	case xml.Name{Space: nsNC, Local: "contained-folder-count"}:
		set = count(&to.folders)
	case xml.Name{Space: nsDAV, Local: "getlastmodified"}:
		// A date that cannot be read is as good as none: nothing rests on it.
		set = func(text string) error { to.modified, _ = http.ParseTime(strings.TrimSpace(text)); return nil }
	case xml.Name{Space: nsCard, Local: "address-data"}, xml.Name{Space: nsCal, Local: "calendar-data"}:
		set = func(text string) error { to.data, to.hasData = []byte(text), true; return nil }
	default:
		known = false
	}
	if !known {
		return p.skip()
	}
	text, err := p.text()
	if err != nil {
		return err
	}
	return set(text)
}

// href reads a DAV:href, and skips anything else.
func (p *parser) href(to *string, start *xml.StartElement) error {
	if start.Name != (xml.Name{Space: nsDAV, Local: "href"}) {
		return p.skip()
	}
	text, err := p.text()
	*to = text
	return err
}

func (p *parser) hrefs(to *[]string) error {
	return p.children(func(t *xml.StartElement) error {
		raw := ""
		if err := p.href(&raw, t); err != nil {
			return err
		}
		if raw != "" {
			*to = append(*to, raw)
		}
		return nil
	})
}

// ask is the body of a PROPFIND.
func ask(names ...string) []byte {
	return []byte(xml.Header + `<d:propfind ` + namespaces + `><d:prop><` + strings.Join(names, "/><") + `/></d:prop></d:propfind>`)
}

const namespaces = `xmlns:d="DAV:" xmlns:card="` + nsCard + `" xmlns:cal="` + nsCal + `" xmlns:cs="` + nsCS + `" xmlns:oc="` + nsOC + `" xmlns:nc="` + nsNC + `" xmlns:ncd="` + nsNCDAV + `"`
