package archive

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// maxName is the longest name of an entry, bytes. The path of a file in Linux is
// no longer.
const maxName = 4096

// Why a name is not taken.
var (
	errEmptyName = errors.New("it has no name")
	errLongName  = errors.New("its name is too long")
	errAbsolute  = errors.New("its name leads to another folder of the device")
	errUpwards   = errors.New("its name leads out of the archive")
	errZero      = errors.New("its name holds a zero byte")
)

// clean makes the path of an entry of its name, relative and separated by "/",
// and says whether it is a folder's. dos says that the writer may have separated
// folders by backslashes, against APPNOTE 4.4.17.1.
func clean(name string, dos bool) (path string, folder bool, err error) {
	if dos {
		name = strings.ReplaceAll(name, `\`, "/")
	}
	switch {
	case name == "":
		return "", false, errEmptyName
	case len(name) > maxName:
		return "", false, errLongName
	case strings.IndexByte(name, 0) >= 0:
		return "", false, errZero
	case name[0] == '/', len(name) > 2 && name[1] == ':' && (name[2] == '/' || name[2] == '\\'):
		return "", false, errAbsolute
	}
	var b strings.Builder
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
			continue
		case "..":
			return "", false, errUpwards
		}
		if b.Len() > 0 {
			b.WriteByte('/')
		}
		b.WriteString(part)
	}
	folder = strings.HasSuffix(name, "/")
	if b.Len() == 0 && !folder {
		return "", false, errEmptyName
	}
	return b.String(), folder, nil
}

// text reads the bytes of a name: UTF-8 where they are that, for many programs
// write it without saying so, else the code page that APPNOTE appendix D names.
func text(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	s, err := charmap.CodePage437.NewDecoder().Bytes(raw)
	if err != nil { // every byte stands for something there
		return string(raw)
	}
	return string(s)
}
