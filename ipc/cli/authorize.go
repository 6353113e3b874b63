package cli

import (
	"errors"

	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

// consent is how a person authorises: at the terminal, or by a statement and a
// password file in a script.
type consent struct {
	statement    string
	passwordFile string
}

type authorizeCmd struct {
	Account      string `arg:"" optional:"" help:"The account, where you are leaving more than one."`
	Yes          string `help:"Authorise what is shown, in your own words, instead of at a terminal." placeholder:"STATEMENT"`
	PasswordFile string `help:"File with the account's password; - is standard input." placeholder:"FILE"`
}

// Run shows every answer and every act, then authorises them.
func (c authorizeCmd) Run(s *session) error {
	account, info, err := s.leavingOf(c.Account)
	if err != nil {
		return err
	}
	if info, err = s.authorise(account, info, consent{c.Yes, c.PasswordFile}, departure.Command("authorize", account.Account, `--yes "I authorise this"`)); err != nil {
		return err
	}
	s.give("departure", info, func() { s.say("Authorised. Next: `%s`", departure.Command("leave", account.Account)) })
	return nil
}

// authorise shows what an authorisation carries and gives it. Otherwise is the
// command that a script needs.
func (s *session) authorise(account agent.AccountInfo, info agent.DepartureInfo, how consent, otherwise string) (agent.DepartureInfo, error) {
	proof := false
	for _, e := range info.Verdict.Pending {
		_, find := e.Implementer()
		proof = proof || find
	}
	s.showAuthorisation(info)
	password, err := s.agree(how, proof)
	if errors.Is(err, errNobody) {
		if proof && how.passwordFile == "" {
			otherwise += " --password-file FILE"
		}
		return info, &agent.Error{Kind: agent.KindGrantRequired, Text: "this needs your authorisation, and there is nobody to ask",
			Remedy: &departure.Remedy{Code: "authorise", Text: "authorise", Command: otherwise}}
	}
	if err != nil {
		return info, err
	}
	return s.client.Authorize(s.ctx, info.Departure.ID, agent.AuthorizeRequest{
		Effects: info.Verdict.Pending, Proof: password, Words: info.WordsDigest,
	})
}

// agree gets the owner's agreement, with the password where an act needs it.
func (s *session) agree(how consent, proof bool) (password string, err error) {
	if how.statement != "" {
		switch {
		case how.passwordFile != "":
			return s.questions.secretFile(s.ctx, how.passwordFile)
		case proof && s.terminal:
			return s.questions.secret(s.ctx, "The account's password:")
		case proof:
			return "", errNobody
		}
		return "", nil
	}
	if proof && how.passwordFile == "" {
		password, err = s.questions.secret(s.ctx, "To authorise this, type the account's password (nothing is shown):")
		if err == nil && password == "" {
			err = notAuthorised
		}
		return password, err
	}
	yes, err := s.questions.yes(s.ctx, "To authorise this, type yes:")
	if err != nil {
		return "", err
	}
	if !yes {
		return "", notAuthorised
	}
	if how.passwordFile != "" {
		return s.questions.secretFile(s.ctx, how.passwordFile)
	}
	return "", nil
}

var notAuthorised = &agent.Error{Kind: agent.KindGrantRequired, Text: "you did not authorise it, so nothing was done"}

// showAuthorisation shows every word and every effect.
func (s *session) showAuthorisation(info agent.DepartureInfo) {
	s.say("")
	s.say("You are about to authorise.")
	if len(info.Words) > 0 {
		s.say("What you said:")
	}
	for _, w := range info.Words {
		count := ""
		if w.Count > 0 {
			count = " (" + humanize.Comma(w.Count) + ")"
		}
		s.say("  - %s%s: %s", w.Check.Spoken(), count, printable(w.Statement))
	}
	if len(info.Verdict.Pending) > 0 {
		s.say("What will be done, and cannot be undone:")
	}
	for _, e := range info.Verdict.Pending {
		s.say("  - %s", effectText(info, e))
	}
}

func effectText(info agent.DepartureInfo, effect departure.Effect) string {
	if _, ok := effect.Implementer(); ok {
		return "Find My Device is turned off on this device"
	}
	id, _ := effect.Binding()
	for _, b := range info.Bindings {
		if b.ID == id {
			return printable(b.Name) + " is signed out on this device"
		}
	}
	return "the account is signed out on this device"
}
