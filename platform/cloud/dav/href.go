package dav

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxHref bounds an href, in bytes.
const maxHref = 16 << 10

// place is a path at the server: decoded segments, and whether it was written
// with a slash at the end.
type place struct {
	path   string // "/a/b c", never with a slash at the end; the root is ""
	folder bool
}

// parseHref reads the href of a member. It must be at the server asked, an
// absolute path, and name segments that cannot mean another place.
func parseHref(raw string, at origin) (place, error) {
	raw = strings.TrimSpace(raw)
	if len(raw) > maxHref {
		return place{}, fmt.Errorf("%w: an href of %d bytes", ErrTooLarge, len(raw))
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return place{}, fmt.Errorf("%w: an href that is not a path", ErrMalformed)
	}
	if u.Scheme != "" || u.Host != "" {
		if u.Scheme == "" {
			u.Scheme = at.scheme
		}
		if originOf(u) != at {
			return place{}, fmt.Errorf("%w: an href at another server", ErrForeign)
		}
	}
	return parsePath(u.EscapedPath())
}

func parsePath(escaped string) (place, error) {
	if !strings.HasPrefix(escaped, "/") {
		return place{}, fmt.Errorf("%w: an href that is not absolute", ErrMalformed)
	}
	var p place
	p.folder = strings.HasSuffix(escaped, "/")
	trimmed := strings.Trim(escaped, "/")
	if trimmed == "" {
		return p, nil
	}
	var b strings.Builder
	for _, part := range strings.Split(trimmed, "/") {
		name, err := url.PathUnescape(part)
		if err != nil || !goodName(name) {
			return place{}, fmt.Errorf("%w: an href with a segment that is no name", ErrMalformed)
		}
		b.WriteString("/" + name)
	}
	p.path = b.String()
	return p, nil
}

func goodName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00") && utf8.ValidString(name)
}

// below gives the rest of the path beneath a folder: one segment, or ok false.
func (p place) below(folder place) (string, bool) {
	rest, ok := strings.CutPrefix(p.path, folder.path+"/")
	return rest, ok && rest != "" && !strings.Contains(rest, "/")
}

// escaped is the path as it is sent.
func (p place) escaped() string {
	parts := strings.Split(p.path, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	s := strings.Join(parts, "/")
	if p.folder || s == "" {
		s += "/"
	}
	return s
}

// at is the place's address at the server of base.
func (p place) at(base *url.URL) *url.URL {
	u := *base
	u.Path, u.RawPath = p.path, p.escaped()
	if p.folder || p.path == "" {
		u.Path += "/"
	}
	return &u
}

// placeOf is a base URI's own place.
func placeOf(u *url.URL) (place, error) { return parsePath(u.EscapedPath()) }
