package gnote

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// writer writes Markdown. Marks stand right beside words, and none goes over the
// end of a line.
type writer struct {
	out    strings.Builder
	want   []string // marks that are open in the note
	have   []string // marks that are open in what is written
	spaces string   // not written yet
	breaks int      // ends of lines, not written yet
	soft   bool     // the first of them is within a paragraph
	depth  int      // lists in one another
	began  bool     // the line has something
}

// String is what was written.
func (w *writer) String() string {
	w.closeTo(0)
	return w.out.String()
}

func (w *writer) open(mark string) { w.want = append(w.want, mark) }

func (w *writer) close(mark string) {
	for i := len(w.want) - 1; i >= 0; i-- {
		if w.want[i] == mark {
			w.want = slices.Delete(w.want, i, i+1)
			return
		}
	}
}

// text writes what a person wrote.
func (w *writer) text(s string) {
	for s != "" {
		i := strings.IndexFunc(s, unicode.IsSpace)
		if i != 0 {
			if i < 0 {
				i = len(s)
			}
			w.word(s[:i])
			s = s[i:]
			continue
		}
		if s[0] == '\n' {
			w.newline()
		} else if s[0] != '\r' && w.began {
			w.spaces += " "
		}
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
}

func (w *writer) word(s string) {
	w.sync()
	if slices.Contains(w.have, "`") {
		s = strings.ReplaceAll(s, "`", "'")
	} else if s = escape(s); !w.began && strings.ContainsAny(s[:1], "#+-=~") {
		s = `\` + s
	}
	w.out.WriteString(s)
	w.began = true
}

// raw writes marks of its own.
func (w *writer) raw(s string) {
	w.sync()
	w.out.WriteString(s)
	w.began = true
}

// sync closes and opens marks until they are as in the note.
func (w *writer) sync() {
	same := 0
	for same < len(w.have) && same < len(w.want) && w.have[same] == w.want[same] {
		same++
	}
	w.closeTo(same)
	w.pause()
	for _, mark := range w.want[same:] {
		if !slices.Contains(w.have, mark) {
			w.out.WriteString(mark)
		}
		w.have = append(w.have, mark)
	}
}

// pause writes the ends of lines and the spaces that wait. Two lines of a note
// that follow each other are two lines for whoever reads the Markdown too.
func (w *writer) pause() {
	if w.breaks == 1 && w.soft {
		w.out.WriteString("  ")
	}
	w.out.WriteString(strings.Repeat("\n", min(w.breaks, 3)))
	w.out.WriteString(w.spaces)
	w.breaks, w.soft, w.spaces = 0, false, ""
}

func (w *writer) closeTo(n int) {
	for len(w.have) > n {
		last := w.have[len(w.have)-1]
		w.have = w.have[:len(w.have)-1]
		if !slices.Contains(w.have, last) {
			w.out.WriteString(last)
		}
	}
}

func (w *writer) newline() {
	w.closeTo(0)
	if w.breaks == 0 {
		w.soft = w.began && w.depth == 0
	}
	w.breaks++
	w.began, w.spaces = false, ""
}

// line ends a line that has something.
func (w *writer) line() {
	if w.began {
		w.newline()
	}
}

// item begins an entry of a list.
func (w *writer) item() {
	w.line()
	w.closeTo(0)
	w.soft = false
	w.pause()
	w.out.WriteString(strings.Repeat("  ", max(0, min(w.depth, 20)-1)) + "- ")
}

// escape keeps what a person wrote from being marks.
func escape(s string) string {
	return escaper.Replace(s)
}

var escaper = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`)
