package viewer_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/source"
)

// aLife is a little of everything.
func aLife(t testing.TB) []file {
	t.Helper()
	face := base64.StdEncoding.EncodeToString(jpegOf(t, corners(100, 100)))
	return []file{
		{photos, "2024/IMG_1 at 50% #2?.jpg", "", withEXIF(jpegOf(t, corners(640, 480)), exifData{taken: june}), noon},
		{photos, "2024/IMG_2.heic", "", heic, june},
		{photos, "2024/IMG_2.mov", "", []byte("\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  "), june},
		{photos, "screenshot.png", "", pngOf(t, corners(300, 600)), june.AddDate(0, 1, 0)},
		{book, "anna", "Anna Müller", card("FN:Anna Müller", "N:Müller;Anna;;;", "ORG:Bäckerei;Backstube", "TEL;TYPE=cell:+49 30 23125 111",
			"EMAIL:anna@example.org", "BDAY:1980-02-29", "NOTE:Has our spare key!", "PHOTO;ENCODING=b;TYPE=JPEG:"+face), noon},
		{book, "zoe", "Zoë", card("FN:Zoë Okafor", "TEL:+44 1632 960001"), noon},
		{memos, "Kraków.md", "", []byte("# Night train\n\nLeaves at **21:52**, see [the plan](https://example.org/plan).\n\n- [x] tickets\n- [ ] pierogi\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\n![the map](maps/kraków%201.png)\n"), june},
		{memos, "maps/kraków 1.png", "", pngOf(t, corners(40, 30)), june},
		{source.Ref{Account: memos.Account, Dataset: source.Notes, Source: "Memos"}, "memo.ics", "", calendar("BEGIN:VJOURNAL", "UID:memo-1", "SUMMARY:Shopping", "DESCRIPTION:milk\\nbread", "DTSTART;VALUE=DATE:20240101", "END:VJOURNAL"), noon},
		{dates, "e-1", "", calendar("BEGIN:VEVENT", "UID:e-1", "SUMMARY:Choir practice", "LOCATION:Town hall", "DTSTART;TZID=Europe/Berlin:20250107T193000", "DTEND;TZID=Europe/Berlin:20250107T210000", "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=10", "END:VEVENT"), noon},
		{dates, "e-2", "", calendar("BEGIN:VEVENT", "UID:e-2", "SUMMARY:Alps", "DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260304", "END:VEVENT"), noon},
		{dates, "t-1", "", calendar("BEGIN:VTODO", "UID:t-1", "SUMMARY:Renew passport", "DUE:20261224T120000Z", "STATUS:COMPLETED", "END:VTODO"), noon},
	}
}

func card(lines ...string) []byte {
	return []byte("BEGIN:VCARD\r\nVERSION:3.0\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCARD\r\n")
}

func calendar(lines ...string) []byte {
	return []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n")
}

// library is n photos over years, each of its own content.
func library(t testing.TB, n int) []file {
	t.Helper()
	var files []file
	for i := range n {
		at := june.AddDate(0, 0, -i/6)
		files = append(files, file{photos, fmt.Sprintf("Camera/IMG_%05d.png", i), "", unlike(t, i), at})
	}
	return files
}

// failures are what could not be copied, for a known and an unknown reason.
var failures = []bag.Failure{
	{Key: source.Key{Ref: photos, ID: "2023/only.jpg"}, Name: "only.jpg", Reason: string(source.OnlyInCloud), At: noon},
	{Key: source.Key{Ref: photos, ID: "2023/bad.jpg"}, Reason: string(source.Unreadable), Detail: "input/output error", At: noon},
	{Key: source.Key{Ref: book, ID: attack}, Name: attack, Reason: attack, Detail: attack, At: noon},
}
