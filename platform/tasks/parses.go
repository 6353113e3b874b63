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
// object parses; every picture and film, whatever it lies beside, has a header
// and a size and is whole to its end. What is raw of a removed store is left as
// it is.
func check(e *ledger.Entry, content io.ReaderAt) error {
	if strings.HasPrefix(e.Source, trashPrefix) {
		return nil
	}
	switch e.Dataset {
	case source.Contacts:
		return contactError(io.NewSectionReader(content, 0, e.Size))
	case source.Calendars:
		return parsed(e, content, source.MaxCalendar, calendarError)
	case source.Notes:
		if parse := noteParser(path.Ext(e.Path)); parse != nil {
			return parsed(e, content, source.MaxNote, parse)
		}
	}
	err := source.CheckMedia(path.Base(e.Path), content, e.Size)
	if errors.Is(err, source.ErrUnknownFormat) {
		return nil
	}
	return err
}

// trashPrefix begins the names of sources that are the raw files of a removed
// store.
const trashPrefix = "trash:"

// parsed reads an item of at most so many bytes and parses it.
func parsed(e *ledger.Entry, content io.ReaderAt, most int64, parse func([]byte) error) error {
	if e.Size > most {
		return fmt.Errorf("cannot look into %d bytes: %w", e.Size, source.ErrBeyondLimit)
	}
	raw := make([]byte, e.Size)
	if n, err := content.ReadAt(raw, 0); n < len(raw) {
		return fmt.Errorf("cannot look into it: %w", err)
	}
	return parse(raw)
}

func contactError(in io.Reader) error {
	cards := 0
	for card, err := range source.VCards(in) {
		if err == nil {
			err = card.Err
		}
		if err != nil {
			return err
		}
		cards++
	}
	if cards == 0 {
		return errors.New("there is no contact in it")
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
	if len(objects) == 0 && !bytes.Contains(raw, []byte("BEGIN:VCALENDAR")) {
		return errors.New("there is no calendar in it")
	}
	return nil
}

// noteParser looks into a note by its file's extension; nil for what lies beside
// notes.
func noteParser(ext string) func([]byte) error {
	switch strings.ToLower(ext) {
	case ".ics":
		return func(raw []byte) error {
			_, err := source.ParseMemo(raw)
			return err
		}
	case ".note", ".xml":
		return xmlError
	case ".md", ".markdown", ".txt":
		return func(raw []byte) error {
			if !utf8.Valid(raw) {
				return errors.New("cannot parse the note: it is not text in UTF-8")
			}
			return nil
		}
	}
	return nil
}

func xmlError(raw []byte) error {
	d := xml.NewDecoder(bytes.NewReader(raw))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("cannot parse the note: %w", err)
		}
	}
}
