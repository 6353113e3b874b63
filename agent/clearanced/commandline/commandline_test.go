package commandline

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for args, want := range map[string]Line{
		"":                              {Verb: "run"},
		"run":                           {Verb: "run"},
		"--user":                        {Verb: "run", User: true},
		"run --user":                    {Verb: "run", User: true}, // as the unit says it
		"--user run":                    {Verb: "run", User: true},
		"install --user":                {Verb: "install", User: true},
		"--state=/a --socket /c --user": {Verb: "run", User: true, State: "/a", Socket: "/c"},
		"--state /a status --socket=/c": {Verb: "status", State: "/a", Socket: "/c"},
		"--version":                     {Verb: "run", Version: true},
	} {
		got, err := Parse(strings.Fields(args))
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", args, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, args := range []string{
		"begin", "run run", "run status", "--root", "run --root", "--state", "--user=perhaps", "-- -x", "run extra", "Run",
	} {
		if got, err := Parse(strings.Fields(args)); err == nil || got != (Line{}) {
			t.Errorf("%q: %+v, %v", args, got, err)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range []string{"--help", "-h", "status --help", "--user -h"} {
		if _, err := Parse(strings.Fields(args)); !errors.Is(err, ErrHelp) {
			t.Errorf("%q: %v", args, err)
		}
	}
	for _, verb := range Verbs {
		if !strings.Contains(Usage, "\n  "+verb+" ") {
			t.Errorf("the help does not name %s", verb)
		}
	}
	for _, flag := range []string{"--user", "--state", "--socket", "--version", "--help"} {
		if !strings.Contains(Usage, " "+flag) {
			t.Errorf("the help does not name %s", flag)
		}
	}
}
