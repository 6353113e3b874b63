package davtest

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
)

// reportBody takes every REPORT that the server knows.
type reportBody struct {
	XMLName xml.Name
	Prop    *names   `xml:"DAV: prop"`
	Hrefs   []string `xml:"DAV: href"`
	Token   string   `xml:"DAV: sync-token"`
	Filter  *struct {
		Components []compFilter `xml:"urn:ietf:params:xml:ns:caldav comp-filter"`
	} `xml:"urn:ietf:params:xml:ns:caldav filter"`
}

type compFilter struct {
	Name  string       `xml:"name,attr"`
	Inner []compFilter `xml:"urn:ietf:params:xml:ns:caldav comp-filter"`
}

func (s *Server) report(w http.ResponseWriter, r *http.Request, a *Account, path string, f *Injected) {
	body, err := io.ReadAll(io.LimitReader(r.Body, requestLimit))
	var request reportBody
	if err == nil {
		err = xml.Unmarshal(body, &request)
	}
	if err != nil {
		http.Error(w, "cannot read the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	res, _, ok := s.locate(a, path)
	if !ok || res.kind != kindBook && res.kind != kindCalendar {
		s.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	out := s.newAnswer(request.Prop.names(), f)
	tail, known := "", true
	switch request.XMLName.Local {
	case "addressbook-multiget", "calendar-multiget":
		s.multiget(out, a, request.Hrefs)
	case "addressbook-query", "calendar-query":
		out.query(res, request)
	case "sync-collection":
		tail, known = out.sync(res, request.Token)
	default:
		known = false
	}
	s.mu.Unlock()
	if !known {
		w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `<?xml version="1.0"?><d:error xmlns:d="DAV:"><d:valid-sync-token/></d:error>`)
		return
	}
	out.send(w, tail)
}

// multiget answers each href on its own; one that is not there gets 404.
func (s *Server) multiget(out *answer, a *Account, hrefs []string) {
	for i, raw := range hrefs {
		if out.fault != nil && i >= len(hrefs)-out.fault.HideLast {
			return
		}
		raw = strings.TrimSpace(raw)
		u, err := url.Parse(raw)
		if err != nil {
			out.missing(raw)
			continue
		}
		res, _, ok := s.locate(a, strings.TrimPrefix(u.Path, s.opts.Prefix))
		if !ok || res.item == nil {
			out.missing(raw)
			continue
		}
		out.leaf(res)
	}
}

// query answers a query: the components are looked at, other filters and time
// ranges are not, so that it may answer more than was asked.
func (a *answer) query(res resource, request reportBody) {
	var wanted []string
	if request.Filter != nil {
		for _, outer := range request.Filter.Components {
			for _, inner := range outer.Inner {
				wanted = append(wanted, inner.Name)
			}
		}
	}
	for _, child := range res.children() {
		if holds(child.item.data, wanted) {
			a.leaf(child)
		}
	}
}

func holds(data []byte, components []string) bool {
	if len(components) == 0 {
		return true
	}
	for _, c := range components {
		if strings.Contains(string(data), "BEGIN:"+c) {
			return true
		}
	}
	return false
}

// sync answers what changed since the token, oldest change first.
func (a *answer) sync(res resource, token string) (tail string, known bool) {
	since, ok := res.coll.since(token)
	if !ok || a.server.opts.NoState {
		return "", false
	}
	list := res.children()
	sort.Slice(list, func(i, j int) bool { return list[i].item.changed < list[j].item.changed })
	sent := 0
	for _, child := range list {
		if child.item.changed <= since {
			continue
		}
		if page := a.server.opts.SyncPage; page > 0 && sent == page {
			a.buf.WriteString("<d:response><d:href>" + text(res.href) + "</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>")
			return "<d:sync-token>" + tokenOf(since) + "</d:sync-token>", true
		}
		a.leaf(child)
		sent++
		if a.server.opts.SyncPage > 0 {
			since = child.item.changed
		}
	}
	for name, changed := range res.coll.gone {
		if token != "" && changed > since {
			a.missing(res.href + escape(name))
		}
	}
	return "<d:sync-token>" + res.coll.syncToken() + "</d:sync-token>", true
}
