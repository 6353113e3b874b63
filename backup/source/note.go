package source

import (
	"bytes"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	// MaxNote is the largest note that is searched for references, bytes.
	MaxNote = 16 << 20

	maxReferences = 10000 // of one note
	maxTarget     = 4096  // bytes of one reference
)

// NoteReference is a file that a Markdown note shows or links to and that has to
// lie with it. Web addresses, anchors and links to other notes are none.
type NoteReference struct {
	Target string // the path as it is meant: without escapes, size, fragment or query
	Wiki   bool   // [[name]]: looked for in the whole folder, not only beside the note
	Line   int    // from 1
	// Start and End are the offsets in the note's text of the target as it is
	// written there.
	Start, End int
}

var (
	// The target follows "](": <with spaces> or up to white space, with one level
	// of parentheses within.
	inlineTarget = regexp.MustCompile(`\]\(\s*(?:<([^<>\n]*)>|((?:[^\s()<>\\]|\\[^\n]|\((?:[^\s()\\]|\\[^\n])*\))+))`)
	definition   = regexp.MustCompile(`^ {0,3}\[[^\]\n]+\]:[ \t]*(?:<([^<>\n]*)>|(\S+))`)
	htmlTarget   = regexp.MustCompile(`(?i)<(?:img|a|audio|video|source|embed|object)\s[^<>]*?\b(?:src|href|data)\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s"'<>]+))`)
	wikiTarget   = regexp.MustCompile(`(!?)\[\[([^\[\]\n]+)\]\]`)
	codeSpan     = regexp.MustCompile("(`+)[^`]")
	scheme       = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:`)
)

// NoteReferences finds the local files that a Markdown text refers to, in order;
// code is left out. It gives [ErrBeyondLimit] for a text larger than [MaxNote] or
// with more than 10,000 references, with what was found until then.
func NoteReferences(text []byte) ([]NoteReference, error) {
	if len(text) > MaxNote {
		return nil, ErrBeyondLimit
	}
	var refs []NoteReference
	pos, number, fence := 0, 0, ""
	for line := range bytes.Lines(text) {
		number++
		start := pos
		pos += len(line)
		var code bool
		if fence, code = fenced(line, fence); code {
			continue
		}
		for _, r := range lineReferences(blankCode(line)) {
			if len(refs) == maxReferences {
				return refs, ErrBeyondLimit
			}
			r.Line, r.Start, r.End = number, r.Start+start, r.End+start
			refs = append(refs, r)
		}
	}
	return refs, nil
}

// fenced keeps track of fenced code: the fence that is open after the line, and
// whether the line is a fence or within one.
func fenced(line []byte, open string) (after string, code bool) {
	s := strings.TrimRight(string(line), " \t\r\n")
	t := strings.TrimLeft(s, " ")
	n := 0
	for n < len(t) && (t[n] == '`' || t[n] == '~') && t[n] == t[0] {
		n++
	}
	isFence := n >= 3 && len(s)-len(t) <= 3
	switch {
	case open == "" && isFence && !(t[0] == '`' && strings.Contains(t[n:], "`")):
		return t[:n], true
	case open == "":
		return "", false
	case isFence && n == len(t) && strings.HasPrefix(t, open):
		return "", true
	}
	return open, true
}

// blankCode overwrites code spans with spaces: offsets stay as they are.
func blankCode(line []byte) []byte {
	if !bytes.Contains(line, []byte("`")) {
		return line
	}
	out := bytes.Clone(line)
	for at := 0; ; {
		m := codeSpan.FindSubmatchIndex(out[at:])
		if m == nil {
			return out
		}
		ticks := string(out[at+m[2] : at+m[3]])
		begin := at + m[3]
		end := closingTicks(out[begin:], ticks)
		if end < 0 {
			at = begin
			continue
		}
		for i := at + m[2]; i < begin+end; i++ {
			out[i] = ' '
		}
		at = begin + end
	}
}

// closingTicks is the offset after the run of ticks that has just this length.
func closingTicks(s []byte, ticks string) int {
	for at := 0; at < len(s); {
		i := bytes.IndexByte(s[at:], '`')
		if i < 0 {
			return -1
		}
		at += i
		run := at
		for at < len(s) && s[at] == '`' {
			at++
		}
		if at-run == len(ticks) {
			return at
		}
	}
	return -1
}

// lineReferences finds the references of one line; offsets are within it.
func lineReferences(line []byte) []NoteReference {
	var refs []NoteReference
	add := func(m []int, markdown bool) {
		for g := 2; g+1 < len(m); g += 2 {
			if m[g] < 0 {
				continue
			}
			if target := localTarget(string(line[m[g]:m[g+1]]), markdown); target != "" {
				refs = append(refs, NoteReference{Target: target, Start: m[g], End: m[g+1]})
			}
		}
	}
	if m := definition.FindSubmatchIndex(line); m != nil {
		add(m, true)
	}
	for _, m := range inlineTarget.FindAllSubmatchIndex(line, -1) {
		add(m, true)
	}
	for _, m := range htmlTarget.FindAllSubmatchIndex(line, -1) {
		add(m, false)
	}
	for _, m := range wikiTarget.FindAllSubmatchIndex(line, -1) {
		if r, ok := wikiReference(line, m); ok {
			refs = append(refs, r)
		}
	}
	slices.SortStableFunc(refs, func(a, b NoteReference) int { return a.Start - b.Start })
	return refs
}

func wikiReference(line []byte, m []int) (NoteReference, bool) {
	start, end := m[4], m[5]
	if i := bytes.IndexAny(line[start:end], "|#"); i >= 0 {
		end = start + i
	}
	target := strings.TrimSpace(string(line[start:end]))
	if target == "" || len(target) > maxTarget || isNoteName(target) {
		return NoteReference{}, false
	}
	return NoteReference{Target: target, Wiki: true, Start: start, End: end}, true
}

// localTarget gives the path that a target means, or "" where it is none that
// has to lie with the note.
func localTarget(s string, markdown bool) string {
	if markdown {
		s = unescapePunctuation(s)
	}
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxTarget || strings.HasPrefix(s, "#") || strings.HasPrefix(s, "//") {
		return ""
	}
	if scheme.MatchString(s) && !strings.HasPrefix(strings.ToLower(s), "file:") {
		return ""
	}
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	if plain, err := url.PathUnescape(s); err == nil {
		s = plain
	}
	if s == "" || strings.HasSuffix(s, "/") || isNoteName(s) && !strings.HasPrefix(s, ":/") {
		return ""
	}
	return s
}

// isNoteName tells links to other notes, which are items of their own: they are
// required by being listed, not by being linked to.
func isNoteName(s string) bool {
	name := s[strings.LastIndexByte(s, '/')+1:]
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 {
		return true
	}
	ext := name[dot+1:]
	switch strings.ToLower(ext) {
	case "md", "markdown", "txt", "html", "htm", "org":
		return true
	}
	return strings.ContainsAny(ext, " ") || len(ext) > 8
}

// unescapePunctuation undoes Markdown's backslashes.
func unescapePunctuation(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("\\`*_{}[]()#+-.!<>\"'&~|:/ ", s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
