package viewer

import (
	"net/url"
	"strings"
)

// Where a link starts: from index.html, or from a page in export/view.
const (
	fromIndex = ""
	fromPage  = "../../"
)

// link is the relative URL of a file of the bag. Names may hold anything that a
// file system takes, so each is escaped by itself.
func link(from, p string) string {
	parts := strings.Split(p, "/")
	for i, s := range parts {
		parts[i] = url.PathEscape(s)
	}
	return from + strings.Join(parts, "/")
}
