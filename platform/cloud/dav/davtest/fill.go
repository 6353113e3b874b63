package davtest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
)

// Content says how much Fill puts into an account.
type Content struct {
	Contacts int // in the address book "contacts"
	Events   int // in the calendar "personal"
	Tasks    int // in the task list "tasks"
	Notes    int // Markdown files in Notes/
	Photos   int // JPEG files in Photos/, a hundred a folder
	Files    int // small files in Documents/, a thousand a folder
}

// Fill adds invented data, the same for the same numbers. The books, calendars
// and folders are made in any case. Names repeat nothing of real people.
func (a *Account) Fill(c Content) error {
	a.AddBook("contacts", "Contacts")
	a.AddCalendar("personal", "Personal", "VEVENT")
	a.AddCalendar("tasks", "Tasks", "VTODO")
	for _, folder := range []string{"Photos", "Notes", "Documents"} {
		if err := a.MakeFolder(folder); err != nil {
			return err
		}
	}
	return firstError(
		repeat(c.Contacts, func(i int) error { return a.fillContact(i) }),
		repeat(c.Events, func(i int) error { return a.fillEvent(i) }),
		repeat(c.Tasks, func(i int) error { return a.fillTask(i) }),
		repeat(c.Notes, func(i int) error {
			text := fmt.Sprintf("# Note %d\n\nRemember the milk, %d litres.\n", i, i)
			return a.fillFile(fmt.Sprintf("Notes/Note %d.md", i), []byte(text))
		}),
		repeat(c.Photos, func(i int) error {
			picture, err := Picture(i)
			if err != nil {
				return err
			}
			return a.fillFile(fmt.Sprintf("Photos/%03d/IMG_%05d.jpg", i/100, i), picture)
		}),
		repeat(c.Files, func(i int) error {
			return a.fillFile(fmt.Sprintf("Documents/%03d/file %05d.txt", i/1000, i), []byte(fmt.Sprintf("file %d\n", i)))
		}),
	)
}

func repeat(n int, do func(int) error) error {
	for i := range n {
		if err := do(i); err != nil {
			return err
		}
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Account) fillContact(i int) error {
	_, err := a.PutContact("contacts", fmt.Sprintf("contact-%05d.vcf", i), Card(i))
	return err
}

func (a *Account) fillEvent(i int) error {
	_, err := a.PutEvent("personal", fmt.Sprintf("event-%05d.ics", i), Event(i))
	return err
}

func (a *Account) fillTask(i int) error {
	_, err := a.PutEvent("tasks", fmt.Sprintf("task-%05d.ics", i), Task(i))
	return err
}

func (a *Account) fillFile(name string, data []byte) error {
	_, err := a.PutFile(name, data)
	return err
}

func lines(list ...string) []byte { return []byte(strings.Join(list, "\r\n") + "\r\n") }

// Card is contact i as a vCard 3.0.
func Card(i int) []byte {
	return lines("BEGIN:VCARD", "VERSION:3.0",
		fmt.Sprintf("UID:contact-%05d", i),
		fmt.Sprintf("FN:Invented Person %d", i),
		fmt.Sprintf("N:Person %d;Invented;;;", i),
		fmt.Sprintf("EMAIL;TYPE=HOME:person%d@example.invalid", i),
		fmt.Sprintf("TEL;TYPE=CELL:+1 555 %07d", i),
		"END:VCARD")
}

// Event is event i as an iCalendar object.
func Event(i int) []byte {
	return lines("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//davtest//EN", "BEGIN:VEVENT",
		fmt.Sprintf("UID:event-%05d", i), "DTSTAMP:20240101T000000Z",
		fmt.Sprintf("DTSTART:2024%02d%02dT100000Z", i%12+1, i%28+1),
		fmt.Sprintf("DTEND:2024%02d%02dT110000Z", i%12+1, i%28+1),
		fmt.Sprintf("SUMMARY:Meeting %d", i), "END:VEVENT", "END:VCALENDAR")
}

// Task is task i as an iCalendar object.
func Task(i int) []byte {
	return lines("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//davtest//EN", "BEGIN:VTODO",
		fmt.Sprintf("UID:task-%05d", i), "DTSTAMP:20240101T000000Z",
		fmt.Sprintf("SUMMARY:Task %d", i), "STATUS:NEEDS-ACTION", "END:VTODO", "END:VCALENDAR")
}

// Picture is photo i: a real JPEG of 64 by 48 pixels, of a colour of its own.
func Picture(i int) ([]byte, error) {
	const width, height = 64, 48
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, color.RGBA{R: uint8(i * 7), G: uint8(x * 4), B: uint8(y*5 + i), A: 255})
		}
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, img, nil); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
