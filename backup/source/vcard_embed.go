package source

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"strings"
)

var (
	// ErrOutside: a card or a note names a file outside its store.
	ErrOutside = errors.New("the file is outside the store")
	// ErrNotLocal: a URI that names no file on this device.
	ErrNotLocal = errors.New("not a local file")
)

// EmbedError says which property could not be embedded. It wraps [ErrOutside],
// [ErrBeyondLimit], [ErrNotLocal] or what open returned.
type EmbedError struct {
	Property string // PHOTO, LOGO, SOUND, KEY or ATTACH
	URI      string
	Err      error
}

func (e *EmbedError) Error() string {
	return fmt.Sprintf("cannot embed %s %q: %v", e.Property, e.URI, e.Err)
}

// Unwrap gives the cause.
func (e *EmbedError) Unwrap() error { return e.Err }

// OpenFunc opens a file beneath a store's folder. The path is clean, relative
// and within it as text; that no link leads out is up to the opener (os.Root).
type OpenFunc func(path string) (io.ReadCloser, error)

// EmbedLocal is [Embed] for a store whose files lie beneath storeRoot, an absolute
// path.
func EmbedLocal(raw []byte, open OpenFunc, storeRoot string) ([]byte, error) {
	return Embed(raw, func(uri string) ([]byte, error) { return readLocal(uri, open, storeRoot) })
}

// Embed replaces each PHOTO, LOGO, SOUND and KEY that names a local file by the
// bytes that read gives for its file: URI, in base64, in the form of the card's
// version. All other lines keep their bytes. What cannot be embedded stays as it
// is, and the error, one or more joined [*EmbedError], says so: the card returned
// is whole but for them.
func Embed(raw []byte, read func(uri string) ([]byte, error)) ([]byte, error) {
	if len(raw) > MaxVCard {
		return raw, &ParseError{Format: "vCard", Reason: fmt.Sprintf("larger than %d MiB", MaxVCard>>20), Err: ErrBeyondLimit}
	}
	version := cardVersion(raw)
	eol := lineEnd(raw)
	out := make([]byte, 0, len(raw))
	changed := false
	var errs []error
	for l := range contentLines(raw) {
		if !namesLocalFile(&l) {
			out = append(out, l.raw...)
			continue
		}
		data, err := read(unescape(l.value)) // stores escape the URI as if it were text
		if err == nil && len(out)+base64.StdEncoding.EncodedLen(len(data)) > MaxVCard {
			err = fmt.Errorf("%w of %d bytes a card", ErrBeyondLimit, MaxVCard)
		}
		if err != nil {
			errs = append(errs, &EmbedError{Property: l.name, URI: string(l.value), Err: err})
			out = append(out, l.raw...)
			continue
		}
		out = fold(out, embeddedText(&l, version, data), eol)
		if version == "2.1" {
			out = append(out, eol...) // vCard 2.1: an empty line ends base64
		}
		changed = true
	}
	if !changed {
		return raw, errors.Join(errs...)
	}
	return out, errors.Join(errs...)
}

func cardVersion(raw []byte) string {
	for l := range contentLines(raw) {
		if l.ok && l.name == "VERSION" {
			return string(bytes.TrimSpace(l.value))
		}
	}
	return "3.0"
}

// namesLocalFile tells the properties whose value is a file: URI.
func namesLocalFile(l *contentLine) bool {
	if !l.ok {
		return false
	}
	switch l.name {
	case "PHOTO", "LOGO", "SOUND", "KEY":
		return len(l.value) >= 5 && bytes.EqualFold(l.value[:5], []byte("file:"))
	}
	return false
}

func readLocal(uri string, open OpenFunc, storeRoot string) ([]byte, error) {
	rel, err := localPath(uri, storeRoot)
	if err != nil {
		return nil, err
	}
	f, err := open(rel)
	if err != nil {
		return nil, err
	}
	data, err := readAll(f, MaxEmbed)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return data, err
}

// LocalPath gives the path beneath storeRoot, separated by "/", that a file: URI
// (RFC 8089) names, be it escaped as text is. It looks at text only. Errors: [ErrNotLocal], [ErrOutside].
func LocalPath(uri, storeRoot string) (string, error) {
	return localPath(unescape([]byte(uri)), storeRoot)
}

// localPath is LocalPath of a URI that is escaped as text no more.
func localPath(uri, storeRoot string) (string, error) {
	u, err := url.Parse(uri)
	if err != nil || !strings.EqualFold(u.Scheme, "file") || u.Opaque != "" ||
		u.Host != "" && !strings.EqualFold(u.Host, "localhost") {
		return "", ErrNotLocal
	}
	name := u.Path
	if !strings.HasPrefix(name, "/") || strings.ContainsRune(name, 0) {
		return "", ErrNotLocal
	}
	rel, err := filepath.Rel(filepath.Clean(storeRoot), path.Clean(name))
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return "", ErrOutside
	}
	return rel, nil
}

// embeddedText is the property with its data, unfolded.
func embeddedText(l *contentLine, version string, data []byte) string {
	media := mediaType(l, data)
	var b strings.Builder
	if l.group != "" {
		b.WriteString(l.group + ".")
	}
	b.WriteString(l.name)
	typed := false
	for _, p := range l.parameters() {
		switch p.name {
		case "VALUE", "ENCODING", "MEDIATYPE":
			continue
		case "TYPE":
			typed = true
		}
		b.WriteString(";")
		if p.name != "" {
			b.WriteString(p.name + "=")
		}
		b.WriteString(p.value)
	}
	if version == "4.0" {
		b.WriteString(":data:" + media + ";base64,")
	} else {
		encoding := "b"
		if version == "2.1" {
			encoding = "BASE64"
		}
		b.WriteString(";ENCODING=" + encoding)
		if _, sub, found := strings.Cut(media, "/"); found && !typed && l.name != "KEY" {
			b.WriteString(";TYPE=" + strings.ToUpper(sub))
		}
		b.WriteString(":")
	}
	b.WriteString(base64.StdEncoding.EncodeToString(data))
	return b.String()
}

// mediaType is what the property says, else what the bytes look like.
func mediaType(l *contentLine, data []byte) string {
	for _, said := range []string{l.parameter("MEDIATYPE"), l.parameter("TYPE")} {
		if kind, sub, found := strings.Cut(said, "/"); found && isName(kind) && strings.Trim(sub, "+.") != "" && isName(strings.NewReplacer("+", "", ".", "").Replace(sub)) {
			return strings.ToLower(said)
		}
	}
	media, _, _ := strings.Cut(http.DetectContentType(data), ";")
	return media
}

// embedded gives the bytes that a property carries within the card.
func embedded(l *contentLine) (data []byte, media string, ok bool) {
	binary := false
	for _, p := range l.parameters() {
		v := strings.ToUpper(strings.Trim(p.value, `"`))
		if (p.name == "ENCODING" || p.name == "") && (v == "B" || v == "BASE64") {
			binary = true
		}
	}
	value := l.value
	if !binary {
		if len(value) < 5 || !bytes.EqualFold(value[:5], []byte("data:")) {
			return nil, "", false
		}
		text := unescape(value) // RFC 6350 values of version 4 are often escaped by habit
		head, rest, found := strings.Cut(text, ",")
		if !found || !strings.HasSuffix(strings.ToLower(head), ";base64") {
			return nil, "", false
		}
		media, _, _ = strings.Cut(head[5:], ";")
		value = []byte(rest)
	}
	data, err := decodeBase64(value)
	if err != nil || len(data) == 0 {
		return nil, "", false
	}
	return data, media, true
}
