package archive

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Detail is one line of Apple's "Photo Details.csv".
type Detail struct {
	Name    string
	Deleted bool      // it lies in "Recently Deleted", or is gone
	Taken   time.Time // zero: not said
}

// maxDetail is how many photos one list may name.
const maxDetail = 1 << 20

// appleDate is how Apple writes a time: "Saturday June 4,2022 12:11 PM GMT".
const appleDate = "Monday January 2,2006 3:04 PM MST"

// ParseDetails reads a list: imgName,fileChecksum,favorite,hidden,deleted,
// originalCreationDate,viewCount,importDate, as immich-go reads it. The checksum
// is of Apple's own kind (of chunks, not of the file), so nothing can be compared
// with it here: the names can. An empty file names nothing.
func ParseDetails(raw []byte) ([]Detail, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	head, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the list of photos: %w", err)
	}
	column := map[string]int{}
	for i, h := range head {
		column[strings.TrimSpace(h)] = i
	}
	if _, ok := column["imgName"]; !ok {
		return nil, errors.New(`cannot read the list of photos: it has no column "imgName"`)
	}
	var ds []Detail
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return ds, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the list of photos: %w", err)
		}
		if len(ds) == maxDetail {
			return nil, errors.New("cannot read the list of photos: it is too long")
		}
		field := func(name string) string {
			if i, ok := column[name]; ok && i < len(row) {
				return strings.Clone(strings.TrimSpace(row[i]))
			}
			return ""
		}
		d := Detail{Name: field("imgName"), Deleted: strings.EqualFold(field("deleted"), "yes")}
		if t, err := time.Parse(appleDate, field("originalCreationDate")); err == nil && t.Year() > 1800 {
			d.Taken = t.UTC()
		}
		if d.Name != "" {
			ds = append(ds, d)
		}
	}
}
