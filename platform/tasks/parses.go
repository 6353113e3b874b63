package tasks

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

// check looks into an item that was read back: every vCard, note and calendar
// object parses, every picture has a header and an end.
func check(e *ledger.Entry, head []byte) error {
	whole := int64(len(head)) == e.Size
	switch e.Dataset {
	case source.Contacts:
		if whole && !trashed(e) {
			card := source.ParseVCard(head)
			return card.Err
		}
	case source.Calendars:
		if whole && !trashed(e) {
			return calendarError(head)
		}
	case source.Notes:
		if whole && !trashed(e) {
			return noteError(path.Ext(e.Path), head)
		}
	case source.Photos:
		if whole {
			err := source.CheckMedia(e.ID, bytes.NewReader(head), e.Size)
			if errors.Is(err, source.ErrUnknownFormat) {
				return nil
			}
			return err
		}
	}
	return nil
}

func calendarError(raw []byte) error {
	objects, err := source.SplitCalendar(raw)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if o.Err != nil {
			return o.Err
		}
	}
	return nil
}

// noteError looks into a note by its file's extension; of an image in a note
// there is nothing to parse.
func noteError(ext string, raw []byte) error {
	switch strings.ToLower(ext) {
	case ".ics":
		_, err := source.ParseMemo(raw)
		return err
	case ".note", ".xml":
		d := xml.NewDecoder(bytes.NewReader(raw))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("cannot parse the note: %w", err)
			}
		}
	case ".md", ".markdown", ".txt":
		if !utf8.Valid(raw) {
			return errors.New("cannot parse the note: it is not text in UTF-8")
		}
	}
	return nil
}

// trashed reports whether an item is a raw file of a removed store.
func trashed(e *ledger.Entry) bool { return strings.HasPrefix(e.Source, "trash:") }
