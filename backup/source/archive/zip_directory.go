package archive

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

// APPNOTE 6.3.10: 4.3.7 local header, 4.3.12 central directory, 4.3.14 and
// 4.3.15 the zip64 records, 4.3.16 the end, 4.5.3 the zip64 extra field.
const (
	sigLocal    = 0x04034b50
	sigCentral  = 0x02014b50
	sigEnd      = 0x06054b50
	sigEnd64    = 0x06064b50
	sigLocate64 = 0x07064b50

	lenLocal, lenCentral, lenEnd, lenEnd64, lenLocate64 = 30, 46, 22, 56, 20

	stored, deflated = 0, 8

	flagEncrypted, flagStrong, flagUTF8 = 1 << 0, 1 << 6, 1 << 11
)

var le = binary.LittleEndian

// directory is where the list of a zip lies.
type directory struct {
	at, size int64
	base     int64 // what was put before the archive, a program perhaps
	count    uint64
	exact    bool // count is whole; else its lowest 16 bits
}

// zipIndex lists a zip of so many bytes.
func zipIndex(ctx context.Context, in io.ReaderAt, size int64) ([]entry, error) {
	d, err := findDirectory(in, size)
	if err != nil {
		return nil, err
	}
	if d.exact && d.count > maxEntries {
		return nil, ErrTooMany
	}
	entries, err := d.read(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := d.bound(entries); err != nil {
		return nil, err
	}
	var unpacked int64
	for i := range entries {
		e := &entries[i]
		if e.size < 0 || unpacked > math.MaxInt64-e.size {
			return nil, ErrBomb
		}
		unpacked += e.size
		if !unpackable(e.size, e.packed) {
			e.refuse(source.TooLarge, ErrBomb)
		}
	}
	if !unpackable(unpacked, size) {
		return nil, ErrBomb
	}
	return entries, nil
}

// findDirectory looks for the end record, which only a comment may follow.
func findDirectory(in io.ReaderAt, size int64) (d directory, err error) {
	tail := make([]byte, min(size, lenEnd+math.MaxUint16))
	if _, err := in.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return d, err
	}
	for i := len(tail) - lenEnd; i >= 0; i-- {
		b := tail[i:]
		if le.Uint32(b) != sigEnd || lenEnd+int(le.Uint16(b[20:])) != len(b) {
			continue
		}
		end := size - int64(len(b))
		d = directory{at: int64(le.Uint32(b[16:])), size: int64(le.Uint32(b[12:])), count: uint64(le.Uint16(b[10:]))}
		if n := le.Uint16(b[4:]); n != 0 && n != math.MaxUint16 {
			return d, errors.New("it is one disk of several, which is not supported: make one archive of them")
		}
		if err := d.large(in, &end); err != nil {
			return d, err
		}
		if d.size < 0 || d.at < 0 || d.size > end || d.at > end-d.size {
			return d, ErrCut
		}
		d.base = end - d.size - d.at
		d.at += d.base
		return d, nil
	}
	return d, ErrCut
}

// large takes the place and the count from the zip64 records where there are
// some; end is then where those begin.
func (d *directory) large(in io.ReaderAt, end *int64) error {
	locator := make([]byte, lenLocate64)
	if *end < lenLocate64 {
		return nil
	}
	if _, err := in.ReadAt(locator, *end-lenLocate64); err != nil {
		return err
	}
	if le.Uint32(locator) != sigLocate64 {
		return nil
	}
	// Where something was put before the archive, the record lies further back.
	record := make([]byte, lenEnd64)
	at := *end - lenLocate64 - lenEnd64
	if said := le.Uint64(locator[8:]); said < uint64(max(at, 0)) && isEnd64(in, int64(said), record) {
		at = int64(said)
	} else if at < 0 || !isEnd64(in, at, record) {
		return ErrCut
	}
	d.count, d.exact = le.Uint64(record[32:]), true
	size, from := le.Uint64(record[40:]), le.Uint64(record[48:])
	if size > math.MaxInt64 || from > math.MaxInt64 {
		return ErrCut
	}
	d.size, d.at, *end = int64(size), int64(from), at
	return nil
}

func isEnd64(in io.ReaderAt, at int64, record []byte) bool {
	_, err := in.ReadAt(record, at)
	return err == nil && le.Uint32(record) == sigEnd64
}

// read reads every header of the directory.
func (d *directory) read(ctx context.Context, in io.ReaderAt) ([]entry, error) {
	r := bufio.NewReaderSize(io.NewSectionReader(in, d.at, d.size), 1<<16)
	var entries []entry
	var head [lenCentral]byte
	var seen uint64
	for {
		_, err := io.ReadFull(r, head[:])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || le.Uint32(head[:]) != sigCentral {
			return nil, cmp.Or(notEOF(err), ErrCut)
		}
		if seen++; seen > maxEntries {
			return nil, ErrTooMany
		}
		if seen%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		rest := make([]byte, int(le.Uint16(head[28:]))+int(le.Uint16(head[30:]))+int(le.Uint16(head[32:])))
		if _, err := io.ReadFull(r, rest); err != nil {
			return nil, cmp.Or(notEOF(err), ErrCut)
		}
		if e, file := d.header(head[:], rest); file {
			entries = append(entries, e)
		}
	}
	if want := d.count; seen != want && (d.exact || seen%(1<<16) != want) {
		return nil, fmt.Errorf("its list has %d files and says that it has %d", seen, want)
	}
	return entries, nil
}

// notEOF is an error of the disk; an end that comes too early is none.
func notEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// header reads one header; file is false for a folder.
func (d *directory) header(b, rest []byte) (e entry, file bool) {
	nameLen, extraLen := int(le.Uint16(b[28:])), int(le.Uint16(b[30:]))
	raw, extra := rest[:nameLen], rest[nameLen:nameLen+extraLen]
	flags, system := le.Uint16(b[8:]), b[5]
	e = entry{
		method: le.Uint16(b[10:]), crc: le.Uint32(b[16:]), mod: dosTime(le.Uint16(b[14:]), le.Uint16(b[12:])),
		packed: int64(le.Uint32(b[20:])), size: int64(le.Uint32(b[24:])), at: int64(le.Uint32(b[42:])),
	}
	name := text(raw)
	if err := e.extras(extra, raw, flags, &name); err != nil {
		e.refuse(source.Unreadable, err)
	}
	e.at += d.base
	const fat, ntfs, vfat = 0, 10, 14 // APPNOTE 4.4.2.2
	path, folder, err := clean(name, system == fat || system == ntfs || system == vfat)
	if err != nil {
		e.name = name[:min(len(name), maxName)]
		e.refuse(source.UnsafeName, err)
		return e, true
	}
	e.name = path
	if folder {
		return e, false
	}
	const unix, mac = 3, 19
	if mode := le.Uint32(b[38:]) >> 16 & 0o170000; (system == unix || system == mac) && mode != 0 && mode != 0o100000 {
		if mode == 0o040000 {
			return e, false
		}
		e.refuse(source.ArchivedLink, nil)
	}
	switch {
	case flags&(flagEncrypted|flagStrong) != 0:
		e.refuse(source.Encrypted, nil)
	case e.method != stored && e.method != deflated:
		e.refuse(source.Unreadable, fmt.Errorf("it is packed in a way that is not known here (%d)", e.method))
	case e.method == stored && e.packed != e.size:
		e.refuse(source.Unreadable, errors.New("it is not as large as the archive says"))
	}
	return e, true
}

// extras reads the extra fields that matter: zip64 sizes, the time in UTC (the
// "UT" field of Info-ZIP), a name in UTF-8 that belongs to the raw one.
func (e *entry) extras(b, raw []byte, flags uint16, name *string) error {
	wide := []struct {
		v    *int64
		must bool
	}{{&e.size, e.size == math.MaxUint32}, {&e.packed, e.packed == math.MaxUint32}, {&e.at, e.at == math.MaxUint32}}
	for len(b) >= 4 {
		id, n := le.Uint16(b), int(le.Uint16(b[2:]))
		if n > len(b)-4 {
			break // some writers pad
		}
		field := b[4 : 4+n]
		b = b[4+n:]
		switch {
		case id == 0x0001:
			for i := range wide {
				if !wide[i].must || len(field) < 8 {
					continue
				}
				v := le.Uint64(field)
				if v > math.MaxInt64/2 {
					return errors.New("its size cannot be")
				}
				*wide[i].v, wide[i].must, field = int64(v), false, field[8:]
			}
		case id == 0x5455 && len(field) >= 5 && field[0]&1 != 0:
			e.mod = int64(int32(le.Uint32(field[1:])))
		case id == 0x7075 && len(field) > 5 && field[0] == 1 && flags&flagUTF8 == 0 && le.Uint32(field[1:]) == crc32.ChecksumIEEE(raw):
			*name = text(bytes.Clone(field[5:]))
		}
	}
	for _, w := range wide {
		if w.must {
			return errors.New("its size is not said")
		}
	}
	return nil
}

// dosTime is the time of a header, of no zone, taken for UTC.
func dosTime(date, clock uint16) int64 {
	if date == 0 {
		return 0
	}
	return time.Date(int(date>>9)+1980, time.Month(date>>5&0xf), int(date&0x1f), int(clock>>11), int(clock>>5&0x3f), int(clock&0x1f)*2, 0, time.UTC).Unix()
}

// bound finds for each entry where its bytes end at the latest: at the next one,
// or at the list. Those that need more lie over each other.
func (d *directory) bound(entries []entry) error {
	order := make([]int32, len(entries))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(entries[a].at, entries[b].at) })
	end := d.at
	for _, i := range slices.Backward(order) {
		e := &entries[i]
		need := lenLocal + e.packed
		if e.at < d.base || e.packed < 0 || e.at > end || need > end-e.at {
			return ErrOverlap
		}
		e.end, end = end, e.at
	}
	return nil
}

// isZip tells a zip by its first bytes, or one that is empty.
func isZip(head []byte) bool {
	return strings.HasPrefix(string(head), "PK\x03\x04") || strings.HasPrefix(string(head), "PK\x05\x06")
}
