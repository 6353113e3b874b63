package eds

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/clearance-project/clearance/backup/source"
)

// MaxLinked is the most that is taken from one linked file, bytes.
const MaxLinked = 32 << 20

// Embedded is an item of the store with the files beside its database, to which a
// contact links, put into it.
func (s *Store) Embedded(data string) (string, error) {
	return embed(data, func(uri string) ([]byte, error) { return Linked(s.Folder(), uri, MaxLinked) })
}

// embed puts the bytes of every file: URI of a contact into the contact itself,
// read by open: Linked with the store's folder, or Trashed.Linked. The first file
// that cannot be read is the error.
func embed(card string, open func(uri string) ([]byte, error)) (string, error) {
	if !strings.Contains(strings.ToLower(card), "file:") {
		return card, nil
	}
	whole, err := source.Embed([]byte(card), open)
	if err != nil {
		return "", err
	}
	return string(whole), nil
}

// decodeMedia returns the bytes of an ENCODING=b value.
func decodeMedia(value string) ([]byte, bool) {
	clean := strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '=' {
			return -1
		}
		return r
	}, value)
	b, err := base64.RawStdEncoding.DecodeString(clean)
	return bytes.Clone(b), err == nil
}
