package archive

import (
	"bytes"
	"html"
	"path"
	"strings"
)

// manifest is what archive_browser.html says is in an export: files by the name
// of their folder and their own.
type manifest struct {
	files  []listed
	failed []listed // what Google says it could not put in
}

type listed struct{ folder, name string }

// readManifest reads the page. It is written for people: that files stand in
// elements of the class "extracted-file-name" beneath one of the class
// "extracted-folder-name", and that a "failure-message" with text follows one
// that is not in the export, was read in tools that parse it (see the package's
// documentation; jaimetur/PhotoMigrator is one). A page of another form lists
// nothing, and then proves nothing.
func readManifest(page []byte) manifest {
	var m manifest
	folder := ""
	for len(m.files) < maxEntries {
		at := bytes.Index(page, []byte(`class="`))
		if at < 0 {
			return m
		}
		page = page[at+len(`class="`):]
		class, text, ok := element(page)
		if !ok {
			continue
		}
		switch class {
		case "extracted-folder-name":
			folder = text
		case "extracted-file-name":
			if text != "" {
				m.files = append(m.files, listed{folder, text})
			}
		case "failure-message":
			if n := len(m.files); n > 0 && text != "" {
				m.failed = append(m.failed, m.files[n-1])
				m.files = m.files[:n-1]
			}
		}
	}
	return m
}

// element reads the class and the text of an element, from within its first tag.
func element(b []byte) (class, text string, ok bool) {
	name, rest, ok := bytes.Cut(b[:min(len(b), 8<<10)], []byte(`"`))
	if !ok {
		return "", "", false
	}
	_, rest, ok = bytes.Cut(rest, []byte(">"))
	if !ok {
		return "", "", false
	}
	inner, _, ok := bytes.Cut(rest, []byte("<"))
	if !ok {
		return "", "", false
	}
	return string(name), strings.TrimSpace(html.UnescapeString(string(inner))), true
}

// shelf is which files an export holds, by folder and name.
type shelf map[listed]bool

func (s shelf) put(p string) {
	dir, base := path.Split(p)
	dir = strings.TrimSuffix(dir, "/")
	s[listed{strings.TrimSpace(path.Base(dir)), strings.TrimSpace(base)}] = true
}

// has looks for a file, however much of its folder the page names.
func (s shelf) has(f listed) bool {
	return s[listed{strings.TrimSpace(path.Base(f.folder)), f.name}]
}
