package archive

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
)

// Limits of one archive.
const (
	maxEntries = 1 << 20
	// maxRatio is how many bytes one byte may become. Deflate reaches 1032; what
	// cameras write is about 1, text 20.
	maxRatio = 200
	// slack is what may be unpacked whatever the ratio, bytes.
	slack = 64 << 20
)

// Why an archive as a whole is refused.
var (
	// ErrTooMany: more entries than are listed.
	ErrTooMany = fmt.Errorf("it holds more than %d files", maxEntries)
	// ErrBomb: it would unpack to far more than it is.
	ErrBomb = fmt.Errorf("it would unpack to more than %d times its size: that is no honest archive", maxRatio)
	// ErrOverlap: two entries are made of the same bytes.
	ErrOverlap = errors.New("its files lie over each other: that is no honest archive")
	// ErrCut: it ends before its end.
	ErrCut = errors.New("it is cut off: download it again")
	// ErrForeign: it is neither a zip nor a tgz.
	ErrForeign = errors.New("it is neither a zip nor a tgz")
	// ErrChanged: the file is not the one that was listed.
	ErrChanged = errors.New("the archive changed while it was read")
)

// entry is one file in an archive, or what stands in the place of one.
type entry struct {
	name string // clean; of what has an unsafe name, as it stands
	size int64  // unpacked, as the archive says
	mod  int64  // seconds since 1970, 0: not said

	at     int64 // zip: of the local header; tgz: of the bytes in what is unpacked
	end    int64 // zip: where its bytes end at the latest
	packed int64 // zip
	crc    uint32
	method uint16
	sum    [16]byte // tgz: the beginning of the sha256

	reason source.Reason // why it cannot be taken; empty: it can
	why    error
}

// rev is the revision of an entry: its content as the archive sums it.
func (e *entry) rev() string {
	if e.sum != [16]byte{} {
		return fmt.Sprintf("%x", e.sum)
	}
	return strconv.FormatUint(uint64(e.crc), 36) + "." + strconv.FormatInt(e.size, 36)
}

func (e *entry) modTime() time.Time {
	if e.mod <= 0 {
		return time.Time{}
	}
	return time.Unix(e.mod, 0).UTC()
}

// refuse notes why an entry cannot be taken; the first reason stays.
func (e *entry) refuse(r source.Reason, why error) {
	if e.reason == "" {
		e.reason, e.why = r, why
	}
}

// index is what is in an archive: every entry, and of small ones what listing
// needs to know.
type index struct {
	kind    container
	stat    scan.Stat
	entries []entry
	facts   map[int32]facts  // of JSON files and notes
	kept    map[int32][]byte // whole files that every listing reads
	browser manifest         // of archive_browser.html

	inMemory int64 // bytes in kept of what is read more than once
}

type container uint8

const (
	zipped container = iota + 1
	taped
)

// unpackable checks a total against what the archive is.
func unpackable(unpacked, packed int64) bool {
	return unpacked <= slack || unpacked/maxRatio <= packed
}
