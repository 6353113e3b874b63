package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/provider"
	"github.com/clearance-project/clearance/ipc/api"
	"github.com/clearance-project/clearance/ipc/lint"
)

type providersCmd struct {
	Show   providersShowCmd   `cmd:"" default:"withargs" help:"Show them, or one in full."`
	Lint   providersLintCmd   `cmd:"" help:"Check files that add to what is known of providers. The agent is not asked."`
	Schema providersSchemaCmd `cmd:"" help:"Print the JSON Schema of such a file."`
}

type providersShowCmd struct {
	ID string `arg:"" optional:"" help:"One provider, in full."`
}

// Run shows the catalogue.
func (c providersShowCmd) Run(s *session) error {
	all, err := s.client.Providers(s.ctx)
	if err != nil {
		return err
	}
	if c.ID == "" {
		s.give("providers", all, func() {
			for _, p := range all {
				s.say("  %-10s %s%s", p.ID, p.Name, remark(p))
			}
		})
		return nil
	}
	for _, p := range all {
		if p.ID == c.ID {
			s.give("provider", p, func() { s.showProvider(p) })
			return nil
		}
	}
	return &agent.Error{Kind: agent.KindNotFound, Text: fmt.Sprintf("no provider is called %q", c.ID),
		Remedy: &departure.Remedy{Code: "providers", Text: "see those that are known", Command: "clearance providers"}}
}

func remark(p agent.ProviderInfo) string {
	switch {
	case p.Broken != "":
		return " (what this device's administrator wrote of it cannot be used)"
	case !p.Known:
		return " (not enough is known yet)"
	case p.Replaced:
		return " (as this device's administrator wrote it)"
	}
	return ""
}

// confidences say how far a fact can be believed.
var confidences = map[string]string{"H": "official, or read in code", "M": "several say so", "L": "one weak source"}

// needs say what a way to delete asks for.
var needs = map[departure.Needs]string{
	departure.SignedInHere: "from this device, while it is signed in", departure.Web: "on a web page",
	departure.AskAdmin: "by asking an administrator",
}

func (s *session) showProvider(p agent.ProviderInfo) {
	s.say("%s%s", p.Name, remark(p))
	if p.Broken != "" {
		s.say("  %s", printable(p.Broken))
	}
	if len(p.Paths) > 0 {
		s.say("How an account is deleted there:")
	}
	for _, path := range p.Paths {
		s.say("  %s: %s, %s", path.ID, path.Title, needs[path.Needs])
		s.say("    %s", path.Where)
	}
	if len(p.Facts) > 0 {
		s.say("What is known:")
	}
	for _, f := range p.Facts {
		s.say("  %s (%s: %s)", f.Text, confidences[f.Confidence], f.Source)
	}
}

type providersSchemaCmd struct{}

// Run prints the schema; it is JSON for people too.
func (providersSchemaCmd) Run(s *session) error {
	s.give("provider_schema", json.RawMessage(provider.Schema()), func() { s.say("%s", strings.TrimSpace(string(provider.Schema()))) })
	return nil
}

type providersLintCmd struct {
	Paths []string `arg:"" help:"Files, or folders of them." placeholder:"FILE"`
}

// Run checks the files; it ends with 1 where one has a fault.
func (c providersLintCmd) Run(s *session) error {
	files, err := lint.Files(c.Paths...)
	if err != nil {
		return &agent.Error{Kind: agent.KindInvalid, Text: printable(err.Error()),
			Remedy: &departure.Remedy{Code: "path", Text: "give files that you can read"}}
	}
	if len(files) == 0 {
		return &agent.Error{Kind: agent.KindInvalid, Text: "there is no .json file there, so nothing was checked",
			Remedy: &departure.Remedy{Code: "path", Text: "give files, or a folder that holds some"}}
	}
	faults := 0
	for _, f := range files {
		faults += len(f.Faults)
	}
	s.give("lint", files, func() { s.showLint(files) })
	if faults > 0 {
		return exit(api.ExitNotReady)
	}
	return nil
}

func (s *session) showLint(files []lint.File) {
	for _, f := range files {
		if len(f.Faults) == 0 {
			s.say("%s: ok", printable(f.Name))
		}
		for _, fault := range f.Faults {
			field := ""
			if fault.Field != "" {
				field = " " + fault.Field
			}
			s.say("%s:%s %s: %s", printable(f.Name), printable(field), printable(fault.Text), fault.Do)
		}
	}
}
