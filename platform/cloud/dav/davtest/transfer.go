package davtest

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"time"
)

func (s *Server) get(w http.ResponseWriter, r *http.Request, a *Account, path string, f *Injected) {
	s.mu.Lock()
	res, _, ok := s.locate(a, path)
	if !ok {
		s.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	if res.folder() {
		s.mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "This is the WebDAV interface. It can only be accessed by WebDAV clients.\n")
		return
	}
	var data []byte
	var modified time.Time
	if res.item != nil {
		data, modified = res.item.data, res.item.modified
	} else {
		data, modified = res.file.data, res.file.modified
	}
	if f != nil && f.Damage && len(data) > 0 {
		data = append([]byte{data[0] ^ 0xff}, data[1:]...)
	}
	kind, _ := contentType(res)
	etag, tagged := (&answer{server: s, fault: f}).etag(res)
	s.mu.Unlock()
	w.Header().Set("Content-Type", kind)
	if tagged {
		w.Header().Set("ETag", etag)
	}
	http.ServeContent(w, r, "", modified, bytes.NewReader(data))
}

func (s *Server) putRequest(w http.ResponseWriter, r *http.Request, a *Account, path string) {
	data, err := io.ReadAll(io.LimitReader(r.Body, requestLimit+1))
	if err != nil || len(data) > requestLimit {
		http.Error(w, "cannot take the body", http.StatusRequestEntityTooLarge)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	res, name, ok := s.locate(a, path)
	exists := ok && !res.folder()
	if !exists && (ok || name == "") {
		http.Error(w, "no folder for this", http.StatusConflict)
		return
	}
	etag := ""
	if exists {
		etag, _ = (&answer{server: s}).etag(res)
	}
	if m := r.Header.Get("If-Match"); m != "" && m != "*" && m != etag || m == "*" && !exists || r.Header.Get("If-None-Match") == "*" && exists {
		http.Error(w, "changed meanwhile", http.StatusPreconditionFailed)
		return
	}
	etag, err = a.write(res, name, exists, data)
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	w.Header().Set("ETag", etag)
	if exists {
		w.WriteHeader(http.StatusNoContent)
	} else {
		w.WriteHeader(http.StatusCreated)
	}
}

func (a *Account) write(res resource, name string, exists bool, data []byte) (string, error) {
	if exists && res.item != nil {
		return a.server.put(res.coll, res.item.name, data), nil
	}
	if res.coll != nil {
		return a.server.put(res.coll, name, data), nil
	}
	if res.file == nil {
		return "", ErrNotThere
	}
	parts := res.file.parts()
	if !exists {
		parts = append(parts, name)
	}
	return a.putFile(parts, data)
}

// parts is the path of a file below the account's root.
func (f *file) parts() []string {
	if f.parent == nil {
		return nil
	}
	return append(f.parent.parts(), f.name)
}

func (s *Server) deleteRequest(w http.ResponseWriter, a *Account, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	res, _, ok := s.locate(a, path)
	err := ErrNotThere
	switch {
	case !ok:
	case res.item != nil:
		err = s.remove(res.coll, res.item.name)
	case res.kind == kindBook:
		a.books, err = without(a.books, res.coll.name), nil
	case res.kind == kindCalendar:
		a.calendars, err = without(a.calendars, res.coll.name), nil
	case res.file != nil && res.file.parent != nil:
		err = a.removeFile(res.file.parts())
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// makeBody is the request of an extended MKCOL (RFC 5689) or MKCALENDAR.
type makeBody struct {
	Props []struct {
		Title      string `xml:"DAV: prop>displayname"`
		Components []struct {
			Name string `xml:"name,attr"`
		} `xml:"prop>supported-calendar-component-set>comp"`
	} `xml:"DAV: set"`
}

func (s *Server) makeRequest(w http.ResponseWriter, r *http.Request, a *Account, path string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var request makeBody
	if err == nil && len(bytes.TrimSpace(body)) > 0 {
		err = xml.Unmarshal(body, &request)
	}
	if err != nil {
		http.Error(w, "cannot read the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	res, name, ok := s.locate(a, strings.TrimSuffix(path, "/"))
	if ok || name == "" {
		http.Error(w, "exists, or no folder for it", http.StatusMethodNotAllowed)
		return
	}
	title, components := name, []string{"VEVENT", "VTODO"}
	for _, p := range request.Props {
		if p.Title != "" {
			title = p.Title
		}
		if len(p.Components) > 0 {
			components = nil
		}
		for _, c := range p.Components {
			components = append(components, c.Name)
		}
	}
	switch res.kind {
	case kindBookHome:
		a.books = append(a.books, s.newCollection(name, title, nil))
	case kindCalendarHome:
		a.calendars = append(a.calendars, s.newCollection(name, title, components))
	case kindFolder:
		_, err = a.makeFolders(append(res.file.parts(), name))
	default:
		err = ErrNotThere
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	w.WriteHeader(http.StatusCreated)
}
