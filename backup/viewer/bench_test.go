package viewer_test

import (
	"fmt"
	"testing"

	"github.com/clearance-project/clearance/backup/viewer"
)

// BenchmarkNewPhoto is what one new photo costs an account of 2,000 photos, 1,000
// contacts, 200 notes and 500 calendar entries whose pages are written.
func BenchmarkNewPhoto(b *testing.B) {
	c := newCopy(b)
	files := library(b, 2000)
	for i := range 1000 {
		files = append(files, file{book, fmt.Sprint("c", i), "", card(fmt.Sprintf("FN:Person %d", i), fmt.Sprintf("TEL:+44 1632 96%04d", i), "EMAIL:someone@example.org"), noon})
	}
	for i := range 200 {
		files = append(files, file{memos, fmt.Sprintf("%d.md", i), "", fmt.Appendf(nil, "# Note %d\n\nSome *words* and a list\n\n- one\n- two\n", i), noon})
	}
	for i := range 500 {
		files = append(files, file{dates, fmt.Sprint("e", i), "", calendar("BEGIN:VEVENT", fmt.Sprintf("UID:e%d", i), fmt.Sprintf("SUMMARY:Event %d", i), "DTSTART:20250107T193000Z", "END:VEVENT"), noon})
	}
	c.put(files...)
	c.write()
	n := len(files)
	for b.Loop() {
		b.StopTimer()
		n++
		c.put(file{photos, fmt.Sprintf("new/%d.png", n), "", unlike(b, n), noon})
		b.StartTimer()
		if r := c.write(func(o *viewer.Options) {}); r.Made != 1 {
			b.Fatalf("%+v", r)
		}
	}
}
