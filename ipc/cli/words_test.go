package cli

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
)

// Every text of this package, so that a branch which no other test reaches
// does not slip a word through either. A text that is one such word alone is
// the name of a JSON document.
func TestNoTextHoldsAWordThatPeopleDoNotUse(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	texts := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			texts++
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			if word := banned.FindString(text); word != "" && text != word && !strings.HasSuffix(text, "/agent/departure") {
				t.Errorf("%s: %q holds %q", name, text, word)
			}
			return true
		})
	}
	if texts < 300 {
		t.Errorf("only %d texts were read", texts)
	}
}

// Help of every verb, and the pages made of it.
func TestHelpIsInPeoplesWords(t *testing.T) {
	run := func(args ...string) string {
		var out bytes.Buffer
		app := &App{In: strings.NewReader(""), Out: &out, Err: &out, Version: "test", Now: time.Now, Runtime: t.TempDir()}
		if code := app.Run(context.Background(), args); code != 0 {
			t.Errorf("%v ended with %d: %s", args, code, &out)
		}
		return out.String()
	}
	app := &App{}
	parser, err := app.parser(&grammar{})
	if err != nil {
		t.Fatal(err)
	}
	pages := []string{run("--help"), run("man"), run("completion")}
	for _, verb := range shown(parser.Model.Node) {
		pages = append(pages, run(verb.Name, "--help"))
		for _, sub := range shown(verb) {
			pages = append(pages, run(verb.Name, sub.Name, "--help"))
		}
	}
	for _, page := range pages {
		if word := banned.FindString(page); word != "" {
			t.Errorf("%q stands in:\n%s", word, page)
		}
	}
	for _, verb := range shown(parser.Model.Node) {
		if !strings.Contains(pages[1], verb.Name) || !strings.Contains(pages[2], verb.Name) {
			t.Errorf("the pages lack %s", verb.Name)
		}
	}
}

func TestEveryStepHasItsWords(t *testing.T) {
	for _, id := range departure.Steps {
		s := spokenStep(id)
		if found, ok := stepNamed(s.name); !ok || found != id {
			t.Errorf("%s is not found by its name %q", id, s.name)
		}
		if banned.MatchString(s.name + " " + s.doing) {
			t.Errorf("%s is spoken as %q, %q", id, s.name, s.doing)
		}
	}
	for _, set := range departure.Datasets {
		if _, ok := kinds[set]; !ok {
			t.Errorf("%s has no words", set)
		}
	}
}
