package gitcredential

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/platform/xdg"
)

// maxConfigs bounds the settings files of one home.
const maxConfigs = 200

// named are the files that git's settings in a home name for the store, and the
// settings files that were looked for. What is included under a condition counts
// as included. What cannot be told is an error.
// Sources: git-config(1), "CONFIGURATION FILE"; gitcredentials(7), "CUSTOM
// HELPERS"; git-credential-store(1), "--file".
func (p *Place) named(home xdg.Home) (stores, configs []string, err error) {
	// A sandboxed program's ~ may be either of the two.
	homes := slices.Compact([]string{home.Home, p.dirs.Home})
	configs = []string{filepath.Join(home.Home, ".gitconfig"), filepath.Join(home.Config, "git/config")}
	for i := 0; i < len(configs); i++ {
		if len(configs) > maxConfigs {
			return stores, configs, fmt.Errorf("git's settings in %s are in more than %d files", home.Home, maxConfigs)
		}
		raw, err := xdg.ReadIfThere(configs[i], maxFile)
		if err != nil {
			return stores, configs, fmt.Errorf("cannot read %s: %w", configs[i], err)
		}
		all, err := parseConfig(string(raw))
		if err != nil {
			return stores, configs, fmt.Errorf("cannot read %s: %w", configs[i], err)
		}
		for _, s := range all {
			var paths []string
			list, base := &stores, ""
			switch {
			case s.section == "credential" && s.key == "helper":
				paths = storeFiles(s.value)
			case (s.section == "include" || s.section == "includeif") && s.key == "path" && s.value != "":
				paths, list, base = []string{s.value}, &configs, filepath.Dir(configs[i])
			}
			for _, path := range paths {
				places, ok := expand(path, base, homes)
				if !ok {
					return stores, configs, fmt.Errorf("cannot tell which file %q in %s is: give it from its root (/home/...)", path, configs[i])
				}
				for _, at := range places {
					if !slices.Contains(*list, at) {
						*list = append(*list, at)
					}
				}
			}
		}
	}
	return stores, configs, nil
}

// expand is where a path may be: ~ is each of the homes, and a relative one is
// below base. It is false where nobody can tell.
func expand(path, base string, homes []string) ([]string, bool) {
	for _, own := range []string{"~/", "$HOME/", "${HOME}/"} {
		if rest, ok := strings.CutPrefix(path, own); ok {
			var all []string
			for _, home := range homes {
				all = append(all, filepath.Join(home, rest))
			}
			return all, !strings.ContainsAny(rest, "$`")
		}
	}
	if !filepath.IsAbs(path) {
		if base == "" || strings.HasPrefix(path, "~") || strings.HasPrefix(path, "%(") {
			return nil, false
		}
		path = filepath.Join(base, path)
	}
	return []string{filepath.Clean(path)}, !strings.ContainsAny(path, "$`")
}

// storeFiles are the paths that a helper's line gives to git's store. git has a
// shell run it: after "git credential-" unless it begins with ! or is absolute.
func storeFiles(helper string) []string {
	line, whole := strings.CutPrefix(helper, "!")
	words := shellWords(line)
	at := slices.IndexFunc(words, func(word string) bool {
		name := filepath.Base(word)
		return name == "git-credential-store" || name == "credential-store"
	})
	if !whole && len(words) > 0 && words[0] == "store" {
		at = 0
	}
	if at < 0 {
		return nil
	}
	var files []string
	for i, word := range words[at+1:] {
		// git takes an option by its beginning.
		option, value, valued := strings.Cut(word, "=")
		switch {
		case !slices.Contains([]string{"--file", "--fil", "--fi", "--f"}, option):
		case valued:
			files = append(files, value)
		case at+i+2 < len(words):
			files = append(files, words[at+i+2])
		}
	}
	return files
}

// shellWords takes a line apart as a shell does; what parts commands parts words.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			inWord = true
		case quote == c:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, inWord = c, true
		case quote == 0 && strings.IndexByte(" \t\r\n;|&()<>", c) >= 0:
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}

// setting is one key of git's settings; names are in lower case.
type setting struct{ section, key, value string }

var (
	sectionRule = regexp.MustCompile(`^\[([A-Za-z0-9.-]+)(?:[ \t]+"(?:[^"\\\n]|\\[^\n])*")?\]`)
	keyRule     = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*)[ \t]*(=?)`)
)

// parseConfig takes git's settings apart. As git does, it fails at the first thing
// that it does not understand.
func parseConfig(text string) ([]setting, error) {
	var all []setting
	section := ""
	rest := strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	for rest = strings.TrimLeft(rest, " \t\r\n\v\f"); rest != ""; rest = strings.TrimLeft(rest, " \t\r\n\v\f") {
		if rest[0] == '#' || rest[0] == ';' {
			_, rest, _ = strings.Cut(rest, "\n")
			continue
		}
		if m := sectionRule.FindStringSubmatch(rest); m != nil {
			section, _, _ = strings.Cut(strings.ToLower(m[1]), ".")
			rest = rest[len(m[0]):]
			continue
		}
		m, value, ok := keyRule.FindStringSubmatch(rest), "", section != ""
		if m != nil && ok {
			if value, rest, ok = parseValue(rest[len(m[0]):]); ok && m[2] == "" {
				ok = value == ""
			}
		}
		if m == nil || !ok {
			return nil, fmt.Errorf("what follows its setting %d is not understood", len(all))
		}
		all = append(all, setting{section, strings.ToLower(m[1]), value})
	}
	return all, nil
}

// parseValue takes the value from the beginning of a text, which may go over
// several lines.
func parseValue(text string) (value, rest string, ok bool) {
	var out strings.Builder
	quoted, comment, end := false, false, 0 // end: without the blanks behind
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\n':
			return out.String()[:end], text[i+1:], !quoted
		case comment:
		case c == '"':
			quoted = !quoted
		case c == '\\':
			i++
			if i == len(text) {
				return "", "", false
			}
			if text[i] == '\n' {
				continue
			}
			at := strings.IndexByte(`ntb"\`, text[i])
			if at < 0 {
				return "", "", false
			}
			out.WriteByte("\n\t\b\"\\"[at])
			end = out.Len()
		case !quoted && (c == '#' || c == ';'):
			comment = true
		case !quoted && (c == ' ' || c == '\t'):
			if out.Len() > 0 {
				out.WriteByte(c)
			}
		default:
			out.WriteByte(c)
			end = out.Len()
		}
	}
	return out.String()[:end], "", !quoted
}
