package vdirsyncer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/clearance-project/clearance/platform/inifile"
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

// dialect is that of Python's RawConfigParser. Source: configparser.py.
var dialect = inifile.Dialect{MaxBytes: maxConfig, Comments: "#;", Part: "=:", Header: inifile.First, Continued: true}

const (
	maxConfig   = 1 << 20 // bytes
	maxSections = 1000
)

// split takes the file apart; every value must be JSON.
func split(raw []byte) ([]section, error) {
	file, err := dialect.Strict(string(raw))
	if err != nil {
		return nil, err
	}
	if len(file) > maxSections {
		return nil, fmt.Errorf("%d sections are more than can be looked at", len(file))
	}
	var sections []section
	for _, g := range file[1:] {
		s := section{g.Name, make(map[string]string, len(g.Keys))}
		for _, k := range g.Keys {
			if !json.Valid([]byte(k.Value)) {
				return nil, errors.New("the value of " + k.Name + " in " + g.Name + " is not understood")
			}
			s.options[strings.ToLower(k.Name)] = k.Value
		}
		sections = append(sections, s)
	}
	return sections, nil
}
