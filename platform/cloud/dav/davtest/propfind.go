package davtest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

const (
	nsDAV  = "DAV:"
	nsCard = "urn:ietf:params:xml:ns:carddav"
	nsCal  = "urn:ietf:params:xml:ns:caldav"
	nsCS   = "http://calendarserver.org/ns/"
	nsOC   = "http://owncloud.org/ns"
	nsNC   = "http://nextcloud.org/ns"
	// nsNCDAV is that of Nextcloud's sharing of calendars and address books:
	// Sharing\Plugin::NS_NEXTCLOUD, which is not the one of its files.
	nsNCDAV = "http://nextcloud.com/ns"
)

var prefixes = map[string]string{nsDAV: "d", nsCard: "card", nsCal: "cal", nsCS: "cs", nsOC: "oc", nsNC: "nc"}

const envelope = `<?xml version="1.0"?>` + "\n" + `<d:multistatus xmlns:d="DAV:" xmlns:card="urn:ietf:params:xml:ns:carddav" xmlns:cal="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns">`

// requestLimit bounds the body of a request, in bytes.
const requestLimit = 64 << 20

// names is a list of property names in a request.
type names struct {
	List []struct{ XMLName xml.Name } `xml:",any"`
}

type propfindBody struct {
	XMLName xml.Name
	Prop    *names `xml:"DAV: prop"`
}

var allProps = []xml.Name{
	{Space: nsDAV, Local: "resourcetype"}, {Space: nsDAV, Local: "displayname"}, {Space: nsDAV, Local: "getetag"},
	{Space: nsDAV, Local: "getcontentlength"}, {Space: nsDAV, Local: "getcontenttype"}, {Space: nsDAV, Local: "getlastmodified"},
}

func parseProps(r *http.Request) ([]xml.Name, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, requestLimit))
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return allProps, nil
	}
	var request propfindBody
	if err := xml.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	if request.XMLName != (xml.Name{Space: nsDAV, Local: "propfind"}) {
		return nil, errors.New("not a propfind")
	}
	if request.Prop == nil {
		return allProps, nil
	}
	return request.Prop.names(), nil
}

func (n *names) names() []xml.Name {
	var list []xml.Name
	if n != nil {
		for _, p := range n.List {
			list = append(list, p.XMLName)
		}
	}
	return list
}

func (s *Server) propfind(w http.ResponseWriter, r *http.Request, a *Account, path string, f *Injected) {
	props, err := parseProps(r)
	if err != nil {
		http.Error(w, "cannot read the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	depth := r.Header.Get("Depth")
	if depth != "0" && depth != "1" {
		http.Error(w, "only a depth of 0 or 1", http.StatusForbidden)
		return
	}
	s.mu.Lock()
	res, _, ok := s.locate(a, path)
	if !ok {
		s.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	out := s.newAnswer(props, f)
	out.member(res)
	if depth == "1" {
		children := res.children()
		for i, child := range children {
			if f == nil || i < len(children)-f.HideLast {
				out.leaf(child)
			}
		}
	}
	s.mu.Unlock()
	out.send(w, "")
}

// answer builds a multistatus.
type answer struct {
	server *Server
	props  []xml.Name
	fault  *Injected
	denied int
	buf    bytes.Buffer
}

func (s *Server) newAnswer(props []xml.Name, f *Injected) *answer {
	a := &answer{server: s, props: props, fault: f}
	a.buf.WriteString(envelope)
	return a
}

func (a *answer) send(w http.ResponseWriter, tail string) {
	a.buf.WriteString(tail)
	a.buf.WriteString("</d:multistatus>\n")
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.Header().Set("DAV", "1, 3, extended-mkcol, access-control, addressbook, calendar-access")
	w.WriteHeader(http.StatusMultiStatus)
	// A client that left is seen in the log.
	_, _ = a.buf.WriteTo(w)
}

// leaf is a member below the resource that was asked for; faults hit these.
func (a *answer) leaf(res resource) {
	if a.fault != nil && a.denied < a.fault.DenyFirst {
		a.denied++
		fmt.Fprintf(&a.buf, "<d:response><d:href>%s</d:href><d:propstat><d:prop>", text(res.href))
		for _, name := range a.props {
			a.element(name, "")
		}
		a.buf.WriteString("</d:prop><d:status>HTTP/1.1 403 Forbidden</d:status></d:propstat></d:response>")
		return
	}
	a.member(res)
}

func (a *answer) missing(href string) {
	fmt.Fprintf(&a.buf, "<d:response><d:href>%s</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>", text(href))
}

func (a *answer) member(res resource) {
	var lacking []xml.Name
	fmt.Fprintf(&a.buf, "<d:response><d:href>%s</d:href><d:propstat><d:prop>", text(res.href))
	for _, name := range a.props {
		value, ok := a.value(res, name)
		if !ok {
			lacking = append(lacking, name)
			continue
		}
		a.element(name, value)
	}
	a.buf.WriteString("</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>")
	if len(lacking) > 0 {
		a.buf.WriteString("<d:propstat><d:prop>")
		for _, name := range lacking {
			a.element(name, "")
		}
		a.buf.WriteString("</d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>")
	}
	a.buf.WriteString("</d:response>")
}

func (a *answer) element(name xml.Name, inner string) {
	var tag, attr string
	if p := prefixes[name.Space]; p != "" {
		tag = p + ":" + name.Local
	} else {
		tag, attr = "x:"+name.Local, ` xmlns:x="`+text(name.Space)+`"`
	}
	if inner == "" {
		a.buf.WriteString("<" + tag + attr + "/>")
		return
	}
	a.buf.WriteString("<" + tag + attr + ">" + inner + "</" + tag + ">")
}

func text(s string) string {
	var b bytes.Buffer
	// A bytes.Buffer takes every write.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

func href(s string) string { return "<d:href>" + text(s) + "</d:href>" }

func number(n int64) string { return strconv.FormatInt(n, 10) }
