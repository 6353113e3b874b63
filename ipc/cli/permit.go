package cli

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

type permitCmd struct {
	Issue  permitIssueCmd  `cmd:"" default:"withargs" help:"Ask for a permit, after a fresh look."`
	Redeem permitRedeemCmd `cmd:"" help:"Redeem a permit, once, after another fresh look; the answer is its proof."`
}

type permitIssueCmd struct {
	Account  string `arg:"" optional:"" help:"The account, where you are leaving more than one."`
	Audience string `required:"" help:"Who the permit is for." placeholder:"NAME"`
	Nonce    string `required:"" help:"What they gave you to put into it." placeholder:"TEXT"`
	Out      string `help:"File to write the permit to." placeholder:"FILE"`
}

// Run asks for a permit.
func (c permitIssueCmd) Run(s *session) error {
	_, info, err := s.leavingOf(c.Account)
	if err != nil {
		return err
	}
	job, err := s.client.RequestPermit(s.ctx, info.Departure.ID, c.Nonce, c.Audience)
	if err != nil {
		return err
	}
	if job, err = s.client.Wait(s.ctx, job, nil); err != nil {
		return err
	}
	if job.Permit == nil {
		return errNoResult
	}
	if err := writeFile(c.Out, job.Permit.Token); err != nil {
		return err
	}
	s.give("permit", job.Permit, func() {
		if c.Out == "" {
			s.say("%s", job.Permit.Token)
			return
		}
		s.say("The permit for %s is in %s. It holds until %s, and can be redeemed once.",
			printable(job.Permit.Audience), printable(c.Out), s.clock(job.Permit.Expires))
	})
	return nil
}

type permitRedeemCmd struct {
	Permit string `arg:"" help:"The permit's file, or its id."`
	Nonce  string `required:"" help:"The second text that they gave you." placeholder:"TEXT"`
	Out    string `help:"File to write the proof to." placeholder:"FILE"`
}

// Run redeems a permit.
func (c permitRedeemCmd) Run(s *session) error {
	id, err := permitID(c.Permit)
	if err != nil {
		return err
	}
	job, err := s.client.Redeem(s.ctx, id, c.Nonce)
	if err != nil {
		return err
	}
	if job, err = s.client.Wait(s.ctx, job, nil); err != nil {
		return err
	}
	if job.Receipt == nil {
		return errNoResult
	}
	if err := writeFile(c.Out, job.Receipt.Token); err != nil {
		return err
	}
	s.give("receipt", job.Receipt, func() {
		if c.Out == "" {
			s.say("%s", job.Receipt.Token)
			return
		}
		s.say("Redeemed at %s. The proof is in %s, and is to be trusted for a minute.",
			job.Receipt.At.Local().Format(time.TimeOnly), printable(c.Out))
	})
	return nil
}

// writeFile writes a signed statement whole, or not at all.
func writeFile(path, content string) error {
	if path == "" {
		return nil
	}
	if err := renameio.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// permitID is the id in a permit's file; what is no file is the id itself. The
// signature is the agent's to check.
func permitID(given string) (string, error) {
	content, err := os.ReadFile(given)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		content, err = []byte(given), nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the permit: %w", err)
	}
	token := strings.TrimSpace(string(content))
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return token, nil
	}
	var claims struct {
		ID string `json:"jti"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil || claims.ID == "" {
		return "", &agent.Error{Kind: agent.KindInvalid, Text: "that is not a permit",
			Remedy: &departure.Remedy{Code: "permit", Text: "ask for one", Command: "clearance permit --help"}}
	}
	return claims.ID, nil
}
