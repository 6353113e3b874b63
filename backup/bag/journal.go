package bag

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// A line of the journal is the CRC-32C of its JSON in eight hex digits, a space,
// the JSON, LF.
const maxLine = 512 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entry is a line of the journal: an item line, and what items.jsonl need not
// say.
type entry struct {
	line
	Rev       string `json:"rev,omitempty"`
	Rev64     string `json:"rev_base64,omitempty"`
	Unsettled bool   `json:"unsettled,omitempty"`
	Temp      string `json:"temp,omitempty"`    // where it was staged; empty: the content is in the bag already
	Adopted   bool   `json:"adopted,omitempty"` // a file found at its place with the right content: perhaps not in the manifest
}

func (r *Record) entry() entry {
	e := entry{line: r.line(), Unsettled: r.Unsettled}
	e.Rev, e.Rev64 = split(r.Rev)
	return e
}

func (e *entry) record() (Record, error) {
	r, err := e.line.record()
	if err != nil {
		return r, err
	}
	r.Unsettled = e.Unsettled
	r.Rev, err = join(e.Rev, e.Rev64)
	return r, err
}

func (e *entry) append(dst []byte) []byte {
	const head = 9
	start := len(dst)
	dst = e.appendTo(append(dst, make([]byte, head)...))
	_ = fmt.Appendf(dst[:start], "%08x ", crc32.Checksum(dst[start+head:], castagnoli))
	return append(dst, '\n')
}

var errJournalLine = errors.New("the line is torn or damaged")

func parseEntry(text []byte) (entry, error) {
	var e entry
	if len(text) < 10 || text[8] != ' ' {
		return e, errJournalLine
	}
	sum, err := strconv.ParseUint(string(text[:8]), 16, 32)
	if err != nil || uint32(sum) != crc32.Checksum(text[9:], castagnoli) {
		return e, errJournalLine
	}
	if err := json.Unmarshal(text[9:], &e); err != nil {
		return e, err
	}
	if _, err := e.record(); err != nil {
		return e, err
	}
	// Nothing but what was staged is ever moved to a place: a line that would
	// move the manifest is none of ours.
	if e.Temp != "" && !(fs.ValidPath(e.Temp) && strings.HasPrefix(e.Temp, tempDir+"/")) || e.Was != "" && !payloadPath(e.Was) {
		return e, errJournalLine
	}
	return e, nil
}

// readJournal calls each for every good line and bad for every other that has an
// end; torn says that the last has none, and is none. A line that is longer than
// any of ours is bad as a whole.
func readJournal(in io.Reader, each func(*entry) error, bad func(text []byte)) (torn bool, err error) {
	lines := bufio.NewReaderSize(in, maxLine)
	for {
		text, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			bad(text)
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = lines.ReadSlice('\n')
			}
			if err == nil {
				continue
			}
			text = nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if len(text) == 0 {
			return false, nil
		}
		e, perr := parseEntry(trimLF(text))
		if perr == nil {
			if err := each(&e); err != nil {
				return false, err
			}
			continue
		}
		if err != nil {
			return true, nil
		}
		bad(text)
	}
}

func trimLF(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		return b[:n-1]
	}
	return b
}
