package cli

import (
	"encoding/json"
	"fmt"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/ipc/api"
)

type providersCmd struct {
	ID string `arg:"" optional:"" help:"One provider, in full."`
}

// Run shows the catalogue.
func (c providersCmd) Run(s *session) error {
	all, err := s.client.Providers(s.ctx)
	if err != nil {
		return err
	}
	if c.ID == "" {
		s.give("providers", all, func() {
			for _, p := range all {
				known := ""
				if !p.Known {
					known = " (not enough is known yet)"
				}
				s.say("  %-10s %s%s", p.ID, p.Name, known)
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

// confidences say how far a fact can be believed.
var confidences = map[string]string{"H": "official, or read in code", "M": "several say so", "L": "one weak source"}

// needs say what a way to delete asks for.
var needs = map[departure.Needs]string{
	departure.SignedInHere: "from this device, while it is signed in", departure.Web: "on a web page",
	departure.AskAdmin: "by asking an administrator",
}

func (s *session) showProvider(p agent.ProviderInfo) {
	s.say("%s", p.Name)
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

type doctorCmd struct{}

// Run shows the state of the agent's parts; it ends with 1 where one is ill.
func (doctorCmd) Run(s *session) error {
	report, err := s.client.Doctor(s.ctx)
	if err != nil {
		return err
	}
	s.give("doctor", report, func() {
		for _, part := range report.Parts {
			mark := "ok  "
			if !part.OK {
				mark = "FAIL"
			}
			s.say("%s  %-16s %s", mark, part.Name, part.Text)
			if !part.OK {
				s.next(part.Remedy)
			}
		}
	})
	if !report.Healthy {
		return exit(api.ExitNotReady)
	}
	return nil
}

type keysCmd struct{}

// Run prints the key set; it is JSON for people too.
func (keysCmd) Run(s *session) error {
	keys, err := s.client.PublicKeys(s.ctx)
	if err != nil {
		return err
	}
	s.give("keys", json.RawMessage(keys), func() { s.say("%s", keys) })
	return nil
}

type versionCmd struct{}

// Run asks the agent too.
func (versionCmd) Run(s *session) error {
	theirs, err := s.client.Version(s.ctx)
	if err != nil {
		return err
	}
	s.give("version", map[string]string{"clearance": s.version, "agent": theirs}, func() {
		s.say("clearance %s, agent %s", s.version, theirs)
	})
	return nil
}
