package vdirsyncer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	maxConfig   = 1 << 20
	maxSections = 1000
)

// config is what a configuration says of pairs and storages.
type config struct {
	pairs    []pair
	storages map[string]storage
}

// pair keeps two storages in step.
type pair struct {
	a, b string
	// whole: its storages are each one collection, not folders of some.
	whole bool
}

// storage is one place of contacts or calendars.
type storage struct {
	typ, path, ext, ignore string
	url, user              string
}

// section is one part of the file, as Python's RawConfigParser reads it.
type section struct {
	name    string
	options map[string]string
}

// parse reads a configuration.
func parse(raw []byte) (config, error) {
	c := config{storages: make(map[string]storage)}
	sections, err := split(raw)
	if err != nil {
		return c, err
	}
	for _, s := range sections {
		kind, name, _ := strings.Cut(s.name, " ")
		switch kind {
		case "pair":
			p := pair{a: s.text("a"), b: s.text("b"), whole: s.options["collections"] == "null"}
			if p.a == "" || p.b == "" {
				return c, fmt.Errorf("the pair %q does not say what it keeps in step", name)
			}
			c.pairs = append(c.pairs, p)
		case "storage":
			st := storage{typ: s.text("type"), path: s.text("path"), ext: s.text("fileext"), ignore: s.text("fileignoreext"), url: s.text("url"), user: s.text("username")}
			if st.typ == "" {
				return c, fmt.Errorf("the storage %q does not say what it is", name)
			}
			if st.ignore == "" {
				st.ignore = ".tmp"
			}
			c.storages[name] = st
		case "general":
		default:
			return c, fmt.Errorf("the section %q is not known", s.name)
		}
	}
	return c, nil
}

// text is an option that is a JSON string, "" where it is none.
func (s *section) text(option string) string {
	var text string
	if json.Unmarshal([]byte(s.options[option]), &text) != nil {
		return ""
	}
	return text
}

// split takes the file apart; every value must be JSON.
func split(raw []byte) ([]section, error) {
	if len(raw) > maxConfig {
		return nil, fmt.Errorf("it has more than %d bytes", maxConfig)
	}
	var sections []section
	var key string
	number := 0
	for line := range bytes.Lines(raw) {
		number++
		text := strings.TrimSpace(string(line))
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
			continue
		case (line[0] == ' ' || line[0] == '\t') && key != "":
			sections[len(sections)-1].options[key] += "\n" + text
			continue
		case text[0] == '[':
			name, _, ok := strings.Cut(text[1:], "]")
			if !ok || len(sections) == maxSections {
				return nil, fmt.Errorf("line %d begins no section", number)
			}
			sections, key = append(sections, section{name, make(map[string]string)}), ""
			continue
		}
		i := strings.IndexAny(text, "=:")
		if i < 1 || len(sections) == 0 {
			return nil, fmt.Errorf("line %d is no option of a section", number)
		}
		key = strings.ToLower(strings.TrimSpace(text[:i]))
		sections[len(sections)-1].options[key] = strings.TrimSpace(text[i+1:])
	}
	for _, s := range sections {
		for option, value := range s.options {
			if !json.Valid([]byte(value)) {
				return nil, errors.New("the value of " + option + " in " + s.name + " is not understood")
			}
		}
	}
	return sections, nil
}
