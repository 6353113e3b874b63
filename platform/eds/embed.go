package eds

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
)

// MaxLinked is the most that EmbedLinked takes from one linked file, bytes.
const MaxLinked = 32 << 20

// isMedia tells the properties that may be a link to a file.
func isMedia(name string) bool {
	return name == "PHOTO" || name == "LOGO" || name == "SOUND" || name == "KEY"
}

// EmbedLinked puts the bytes of every file: URI of a vCard (PHOTO, LOGO,
// SOUND, KEY) into the card itself, read by open: Linked with the store's
// folder, or Trashed.Linked. Lines without such a URI stay as they are. The
// first file that cannot be read is the error.
func EmbedLinked(card string, open func(uri string) ([]byte, error)) (string, error) {
	if !strings.Contains(strings.ToLower(card), "file:") {
		return card, nil
	}
	var b strings.Builder
	for line := range unfold(card) {
		name, params, value, ok := splitLine(line)
		if !ok || !isMedia(name) || !strings.HasPrefix(strings.ToLower(value), "file:") {
			b.WriteString(line + "\r\n")
			continue
		}
		data, err := open(unescapeText(value))
		if err != nil {
			return "", err
		}
		head := line[:len(line)-len(value)-1-lenParams(params)] // with its group
		b.WriteString(head + ";ENCODING=b")
		if t := typeOf(data); name != "KEY" && t != "" {
			b.WriteString(";TYPE=" + t)
		}
		b.WriteString(":" + base64.StdEncoding.EncodeToString(data) + "\r\n")
	}
	return b.String(), nil
}

// typeOf gives vCard 3.0's word for well-known media, "" for others.
func typeOf(data []byte) string {
	switch mime := http.DetectContentType(data); {
	case mime == "image/jpeg":
		return "JPEG"
	case mime == "image/png":
		return "PNG"
	case mime == "image/gif":
		return "GIF"
	case mime == "image/webp":
		return "WEBP"
	}
	return ""
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
