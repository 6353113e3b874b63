package cli

import (
	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

// maxTries is how often a password may be mistyped at a terminal.
const maxTries = 3

// answerable are the remedies of checks that an authorisation may meet.
var answerable = map[string]bool{"authorise": true, "say": true, "seal": true}

// mayAuthorise reports whether an authorisation is what is missing now: every
// other check before it holds, or waits for it.
func (l *leaving) mayAuthorise() bool {
	if l.until.Order() < departure.StepAuthorize.Order() || l.tries >= maxTries {
		return false
	}
	needed := false
	for _, c := range l.info.Verdict.Checks.Open() {
		code := ""
		if c.Remedy != nil {
			code = c.Remedy.Code
		}
		if c.Stage == departure.Release && !answerable[code] {
			return false
		}
		if c.Ask != nil && !c.Ask.Said {
			return false
		}
		needed = needed || code == "authorise"
	}
	// The same again is of use only where a person may have mistyped.
	return needed && (l.terminal || !l.tried[l.state()])
}

// state is what an authorisation would carry.
func (l *leaving) state() departure.Digest {
	return departure.DigestOf(l.info.WordsDigest, l.info.Verdict.Pending)
}

// giveLeave authorises what is shown.
func (l *leaving) giveLeave() error {
	if why := interruptedWhy(l.info); why != "" {
		l.say("")
		l.say("Last time: %s", printable(why))
	}
	l.tries, l.tried[l.state()] = l.tries+1, true
	name := departure.AuthorizeGranted
	statement := l.cmd.YesTo[name.Spoken()]
	if statement == "" {
		statement = l.cmd.YesTo[string(name)]
	}
	info, err := l.authorise(l.account, l.info, consent{statement, l.cmd.PasswordFile},
		departure.Command("leave", l.account.Account, `--yes-to `+name.Spoken()+`="I authorise this"`))
	if err != nil {
		return err
	}
	l.info = info
	if l.info.Authorised != nil && l.info.Authorised.From.After(l.now()) {
		return &agent.Error{Kind: agent.KindDelayPending, Text: "authorised; it goes on at " + l.clock(l.info.Authorised.From),
			Remedy: &departure.Remedy{Code: "wait", Text: "go on then", Command: l.resume}}
	}
	return nil
}

// atOwnRisk shows what will be lost and signs the list. No way out is closed.
func (l *leaving) atOwnRisk() error {
	if err := l.goTo(departure.StepInventory); err != nil {
		return err
	}
	lines, list, err := l.client.AtOwnRiskList(l.ctx, l.info.Departure.ID)
	if err != nil {
		return err
	}
	l.say("If you delete now, this is not safe:")
	for _, line := range lines {
		l.say("  - %s", printable(line.Text))
	}
	const name = "at-own-risk"
	if l.cmd.YesTo[name] == "" {
		yes, err := l.questions.yes(l.ctx, "To lose it, at your own risk, type yes:")
		if err != nil {
			return l.unanswered(err, "deleting at your own risk was not confirmed", `--at-own-risk --yes-to `+name+`="I lose this knowingly"`)
		}
		if !yes {
			return &agent.Error{Kind: agent.KindNotReady, Text: "you did not confirm it, so nothing was signed"}
		}
	}
	signed, err := l.client.AtOwnRisk(l.ctx, l.info.Departure.ID, list)
	if err != nil {
		return err
	}
	l.give("at_own_risk", map[string]any{"lines": lines, "list": list, "signed": signed}, func() {
		l.say("Signed, at your own risk. This is no permit.")
		l.say("%s", signed)
		l.showWhere(l.info)
	})
	return nil
}
