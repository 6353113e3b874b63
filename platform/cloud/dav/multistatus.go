package dav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

const (
	nsDAV  = "DAV:"
	nsCard = "urn:ietf:params:xml:ns:carddav"
	nsCal  = "urn:ietf:params:xml:ns:caldav"
	nsCS   = "http://calendarserver.org/ns/"
	nsOC   = "http://owncloud.org/ns"
	nsNC   = "http://nextcloud.org/ns"
	// nsNCDAV is that of Nextcloud's calendar and address book sharing, which is
	// not the one of its files (apps/dav/lib/DAV/Sharing/Plugin.php).
	nsNCDAV = "http://nextcloud.com/ns"
)

// maxNesting bounds how deep the XML goes; real answers need about eight.
const maxNesting = 64

// response is one member of a multistatus: only what a propstat of 200 said.
type response struct {
	place  place
	status int  // of the response itself; 0: it has propstats
	sound  bool // it had a propstat of 200
	props
}

// props are the properties that are asked for here.
type props struct {
	etag, ctag, syncToken   string
	name, contentType       string
	types                   []xml.Name
	principal, owner        string // raw hrefs
	unauthenticated         bool
	bookHomes, calendarHome []string // raw hrefs
	components              []string
	size, files, folders    int64 // -1: not said
	modified                time.Time
	fileID                  string
	sharing
	checksums []string
	data      []byte
	hasData   bool
	bad       error // a value that cannot be, which counts if its status is 200
}

func (p *props) is(space, local string) bool {
	for _, t := range p.types {
		if t.Space == space && t.Local == local {
			return true
		}
	}
	return false
}

func (p *props) folder() bool { return p.is(nsDAV, "collection") }

// budget bounds the bytes of an answer: of each member, and together.
type budget struct{ member, total int64 }

// metered is the reader under the XML decoder; each member refills its part.
type metered struct {
	r           io.Reader
	left, total int64
	err         error
}

func (m *metered) Read(p []byte) (int, error) {
	if m.left <= 0 || m.total <= 0 {
		return 0, fmt.Errorf("%w: too many bytes", ErrTooLarge)
	}
	if room := min(m.left, m.total); int64(len(p)) > room {
		p = p[:room]
	}
	n, err := m.r.Read(p)
	m.left -= int64(n)
	m.total -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
	}
	return n, err
}

// parser walks the XML token by token: what a member may hold is known, the
// rest is skipped, and nothing recurses with the input.
type parser struct {
	dec    *xml.Decoder
	source *metered
	at     origin
	depth  int
}

// parseMultistatus reads a whole multistatus and the end of the input after it.
// The token is the sync-token in it, where there is one.
func parseMultistatus(r io.Reader, b budget, at origin, each func(*response) error) (token string, err error) {
	// The decoder reads ahead by its buffer, so that a member needs a little more.
	source := &metered{r: r, left: b.member + readAhead, total: b.total}
	p := &parser{dec: xml.NewDecoder(source), source: source, at: at}
	start, err := p.open()
	if err != nil {
		return "", p.sort(err)
	}
	if start == nil || start.Name != (xml.Name{Space: nsDAV, Local: "multistatus"}) {
		return "", fmt.Errorf("%w: not a multistatus", ErrMalformed)
	}
	var fromEach error
	err = p.children(func(start *xml.StartElement) error {
		source.left = b.member + readAhead
		switch start.Name {
		case xml.Name{Space: nsDAV, Local: "response"}:
			member, err := p.response()
			if err != nil {
				return err
			}
			fromEach = each(member)
			return fromEach
		case xml.Name{Space: nsDAV, Local: "sync-token"}:
			token, err = p.text()
			return err
		}
		return p.skip()
	})
	switch {
	case fromEach != nil:
		return "", fromEach
	case err != nil:
		return "", p.sort(err)
	}
	return strings.TrimSpace(token), p.tail()
}

// readAhead is more than the buffer of the XML decoder, in bytes.
const readAhead = 8 << 10

// tail wants the end of the input after the last element.
func (p *parser) tail() error {
	start, err := p.open()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return p.sort(err)
	}
	return fmt.Errorf("%w: more after the end: %v", ErrMalformed, start != nil)
}

// sort makes every error one of this package's.
func (p *parser) sort(err error) error {
	if p.source.err != nil {
		return p.source.err
	}
	if errors.Is(err, ErrMalformed) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrForeign) {
		return err
	}
	return fmt.Errorf("%w: broken XML: %v", ErrMalformed, err)
}

// open moves to the next start element; nil is the end of the parent.
func (p *parser) open() (*xml.StartElement, error) {
	for {
		token, err := p.dec.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if p.depth++; p.depth > maxNesting {
				return nil, fmt.Errorf("%w: XML nested too deep", ErrMalformed)
			}
			return &t, nil
		case xml.EndElement:
			p.depth--
			return nil, nil
		case xml.Directive:
			return nil, fmt.Errorf("%w: a document type in the XML", ErrMalformed)
		}
	}
}

// skip leaves the element that was opened.
func (p *parser) skip() error {
	for outer := p.depth - 1; p.depth > outer; {
		if _, err := p.open(); err != nil {
			return err
		}
	}
	return nil
}

// text is the character data of the element that was opened; elements within
// are an error.
func (p *parser) text() (string, error) {
	var b strings.Builder
	for {
		token, err := p.dec.Token()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.CharData:
			b.Write(t)
		case xml.EndElement:
			p.depth--
			return b.String(), nil
		case xml.StartElement:
			return "", fmt.Errorf("%w: an element where text belongs", ErrMalformed)
		case xml.Directive:
			return "", fmt.Errorf("%w: a document type in the XML", ErrMalformed)
		}
	}
}

// deepText is the character data of the element that was opened and of all
// within it.
func (p *parser) deepText() (string, error) {
	var b strings.Builder
	for outer := p.depth - 1; p.depth > outer; {
		token, err := p.dec.Token()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.CharData:
			b.Write(t)
		case xml.EndElement:
			p.depth--
		case xml.StartElement:
			if p.depth++; p.depth > maxNesting {
				return "", fmt.Errorf("%w: nested too deep", ErrMalformed)
			}
		case xml.Directive:
			return "", fmt.Errorf("%w: a document type in the XML", ErrMalformed)
		}
	}
	return b.String(), nil
}

// children calls each for every child of the element that was opened; each
// must leave the child.
func (p *parser) children(each func(*xml.StartElement) error) error {
	for {
		start, err := p.open()
		if err != nil || start == nil {
			return err
		}
		if err := each(start); err != nil {
			return err
		}
	}
}

func (p *parser) response() (*response, error) {
	r := &response{props: props{size: -1, files: -1, folders: -1}}
	hrefs := 0
	err := p.children(func(start *xml.StartElement) error {
		if start.Name.Space != nsDAV {
			return p.skip()
		}
		switch start.Name.Local {
		case "href":
			hrefs++
			raw, err := p.text()
			if err != nil {
				return err
			}
			r.place, err = parseHref(raw, p.at)
			return err
		case "status":
			line, err := p.text()
			if err != nil {
				return err
			}
			r.status, err = parseStatus(line)
			return err
		case "propstat":
			return p.propstat(r)
		}
		return p.skip()
	})
	if err == nil && hrefs != 1 {
		err = fmt.Errorf("%w: a member with %d hrefs", ErrMalformed, hrefs)
	}
	return r, err
}

// propstat keeps the properties only if their status is 200.
func (p *parser) propstat(r *response) error {
	found := props{size: -1, files: -1, folders: -1}
	status := 0
	err := p.children(func(start *xml.StartElement) error {
		if start.Name.Space == nsDAV && start.Name.Local == "prop" {
			return p.children(func(start *xml.StartElement) error { return p.property(&found, start) })
		}
		if start.Name.Space == nsDAV && start.Name.Local == "status" {
			line, err := p.text()
			if err != nil {
				return err
			}
			status, err = parseStatus(line)
			return err
		}
		return p.skip()
	})
	if err != nil {
		return err
	}
	switch {
	case status == 0:
		return fmt.Errorf("%w: properties without a status", ErrMalformed)
	case status != 200:
		return nil
	case found.bad != nil:
		return found.bad
	case r.sound:
		return fmt.Errorf("%w: properties twice", ErrMalformed)
	}
	r.props, r.sound = found, true
	return nil
}

// parseStatus reads "HTTP/1.1 200 OK".
func parseStatus(line string) (int, error) {
	fields := strings.Fields(line)
	if len(fields) >= 2 && strings.HasPrefix(fields[0], "HTTP/") && len(fields[1]) == 3 {
		if code, err := strconv.Atoi(fields[1]); err == nil && code >= 100 {
			return code, nil
		}
	}
	return 0, fmt.Errorf("%w: a status line that is none", ErrMalformed)
}
