package cli

import (
	"encoding/json"

	"github.com/clearance-project/clearance/ipc/api"
)

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
