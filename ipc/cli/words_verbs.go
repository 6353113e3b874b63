package cli

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

type devicesCmd struct {
	Account string                `arg:"" help:"The account."`
	Device  string                `arg:"" optional:"" help:"One device, by its name; a new name adds it."`
	State   departure.DeviceState `help:"What became of it: signed-out, sold, lost or wiped." placeholder:"STATE"`
}

// Run lists the devices, or says what became of one.
func (c devicesCmd) Run(s *session) error {
	_, info, err := s.leavingOf(c.Account)
	if err != nil {
		return err
	}
	if c.Device != "" {
		device := departure.Device{Name: c.Device, State: c.State}
		for _, d := range info.Devices {
			if d.ID == c.Device || d.Name == c.Device {
				device = departure.Device{ID: d.ID, Name: d.Name, State: c.State}
			}
		}
		if info, err = s.client.AttestDevice(s.ctx, info.Departure.ID, device); err != nil {
			return err
		}
	}
	s.give("devices", info.Devices, func() {
		for _, d := range info.Devices {
			s.say("  %s: %s", printable(d.Name), deviceState(d.State))
		}
		if len(info.Devices) == 0 {
			s.say("You named no other device.")
		}
	})
	return nil
}

func deviceState(state departure.DeviceState) string {
	if state == "" {
		return "still signed in, as far as is known"
	}
	return strings.ReplaceAll(string(state), "-", " ")
}

type ackCmd struct {
	Account   string           `arg:"" help:"The account."`
	Question  string           `arg:"" help:"The name of the question, as clearance status shows it."`
	Statement string           `help:"What you say, in your own words." placeholder:"TEXT"`
	Count     int64            `help:"What you counted at the provider." placeholder:"N"`
	Waive     bool             `help:"Pass over it, where the policy of this device lets you."`
	List      departure.Digest `help:"Digest of the list that you saw; by default the one that is asked about now." placeholder:"DIGEST"`
}

// Run answers one question.
func (c ackCmd) Run(s *session) error {
	account, info, err := s.leavingOf(c.Account)
	if err != nil {
		return err
	}
	check, err := asked(info, account, c.Question)
	if err != nil {
		return err
	}
	word := wordFor(check, c.Statement, c.Count)
	if c.List != "" {
		word.List = c.List
	}
	if c.Waive {
		word.Kind = departure.Waive
	}
	s.showLines(check)
	if word.Statement == "" {
		word.Statement, err = s.questions.ask(s.ctx, "Say in your own words what holds:")
		if err != nil || word.Statement == "" {
			return &agent.Error{Kind: agent.KindInvalid, Text: "say it with --statement", Remedy: &departure.Remedy{Code: "say", Text: "answer",
				Command: departure.Command("ack", account.Account, check.ID.Spoken(), "--statement", `"I have read this"`)}}
		}
	}
	if info, err = s.client.Say(s.ctx, info.Departure.ID, word); err != nil {
		return err
	}
	s.give("departure", info, func() {
		s.say("Noted. It counts once you authorise.")
		s.say("Next: `%s`", departure.Command("leave", account.Account))
	})
	return nil
}

// asked is the check that a person names, if it asks something now.
func asked(info agent.DepartureInfo, account agent.AccountInfo, name string) (departure.Check, error) {
	id, known := departure.CheckNamed(name)
	check, there := info.Verdict.Checks.Get(id)
	if !known || !there {
		return check, &agent.Error{Kind: agent.KindInvalid, Text: fmt.Sprintf("there is no question %q", name),
			Remedy: &departure.Remedy{Code: "status", Text: "see what is asked", Command: departure.Command("status", account.Account)}}
	}
	if check.Ask == nil {
		return check, &agent.Error{Kind: agent.KindInvalid, Text: "nothing is asked there now: " + check.Reason.Text,
			Remedy: &departure.Remedy{Code: "status", Text: "see what is asked", Command: departure.Command("status", account.Account)}}
	}
	return check, nil
}

// wordFor is the word that answers a check's question. A count speaks for
// itself.
func wordFor(check departure.Check, statement string, count int64) agent.WordRequest {
	if statement == "" && count > 0 {
		statement = "I counted " + humanize.Comma(count) + " at the provider"
	}
	return agent.WordRequest{Check: check.ID, Kind: check.Ask.Kind, Subject: check.Ask.Subject, List: check.Ask.List,
		Statement: statement, Count: count}
}

func (s *session) showLines(check departure.Check) {
	for _, l := range check.Ask.Lines {
		s.para("  - ", l.Text)
	}
}
