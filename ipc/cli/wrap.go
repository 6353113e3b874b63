package cli

import (
	"strings"
	"unicode/utf8"
)

// width is how many columns a paragraph takes at most.
const width = 80

// para prints a text in lines of at most width columns: the first after lead, the
// others indented by as much. A word that is longer stays whole.
func (s *session) para(lead, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(lead))
	line, empty := lead, true
	for _, word := range strings.Fields(printable(text)) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			s.say("%s", line)
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	s.say("%s", line)
}
