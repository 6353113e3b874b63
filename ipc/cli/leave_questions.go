package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

// titles say what a question is about.
var titles = map[departure.CheckID]string{
	departure.UncoveredAcknowledged:    "What cannot be copied from here:",
	departure.RecordsPurchases:         "Proofs of purchase and warranties:",
	departure.ConsequencesAcknowledged: "What follows from deleting:",
	departure.RosterSignedOut:          "Your other devices:",
	departure.DestinationApart:         "The place of your copy:",
	departure.KeptHere:                 "What would leave this device:",
	departure.FindMyDeviceOff:          "Find My Device:",
	departure.ServerSeen:               "The cloud:",
	departure.AccountsSeparate:         "Your other accounts:",
	departure.InventoryComplete:        "What was found:",
}

// question is one question to a person: the lines of one check, or those of
// several that are answered alike.
type question struct {
	checks []departure.Check
	ask    func(*leaving, question) (bool, error)
}

// openQuestions are those that are not answered yet, lists to be read as one
// and numbers to be counted as one.
func (l *leaving) openQuestions() []question {
	var read, count question
	read.ask, count.ask = (*leaving).askRead, (*leaving).askCounts
	var others []question
	for _, c := range l.info.Verdict.Checks.Open() {
		if c.Ask == nil || c.Ask.Said || l.passed[c.Ask.List] {
			continue
		}
		switch {
		case counts(c):
			count.checks = append(count.checks, c)
		case c.Ask.Kind == departure.Decline:
			others = append(others, question{[]departure.Check{c}, (*leaving).askKeep})
		case c.ID == departure.RosterSignedOut:
			others = append(others, question{[]departure.Check{c}, (*leaving).askDevices})
		case c.Ask.Kind == departure.Acknowledge:
			read.checks = append(read.checks, c)
		default:
			others = append(others, question{[]departure.Check{c}, (*leaving).askRead})
		}
	}
	for _, q := range []question{read, count} {
		if len(q.checks) > 0 {
			others = append(others, q)
		}
	}
	return others
}

// counts reports whether a check asks for a number: how many items the provider
// shows, or how many parts an export has.
func counts(c departure.Check) bool {
	return c.Ask.Kind == departure.Attest && (strings.HasPrefix(string(c.ID), "backup.") || c.ID == departure.InventoryComplete)
}

// answer answers the open questions: by what was given on the command line,
// else at the terminal. What nobody answers is named in the error.
func (l *leaving) answer() (answered bool, err error) {
	if l.until.Order() < departure.StepKeep.Order() {
		return false, nil
	}
	var missing []string
	for _, q := range l.openQuestions() {
		left := question{ask: q.ask}
		for _, c := range q.checks {
			done, err := l.answerGiven(c)
			if err != nil {
				return answered, err
			}
			answered = answered || done
			if !done {
				left.checks = append(left.checks, c)
			}
		}
		if len(left.checks) == 0 {
			continue
		}
		done, err := left.ask(l, left)
		if errors.Is(err, errNobody) {
			missing = append(missing, toPass(left)...)
			continue
		}
		if err != nil {
			return answered, err
		}
		answered = answered || done
	}
	if len(missing) == 0 {
		return answered, nil
	}
	return answered, l.unanswered(errNobody, number(len(missing))+" not answered, and there is nobody to ask", strings.Join(missing, " "))
}

// toPass is what a script has to pass to answer a question.
func toPass(q question) []string {
	var flags []string
	for _, c := range q.checks {
		if counts(c) {
			flags = append(flags, "--count "+c.ID.Spoken()+"=N")
			continue
		}
		flags = append(flags, "--yes-to "+c.ID.Spoken()+`="I have read this"`)
	}
	return flags
}

// unanswered is the refusal that names what to pass, or the end of the walk.
func (l *leaving) unanswered(err error, what, pass string) error {
	if err != nil && !errors.Is(err, errNobody) {
		return err
	}
	return &agent.Error{Kind: agent.KindNotReady, Text: "not ready: " + what,
		Remedy: &departure.Remedy{Code: "say", Text: "answer", Command: departure.Command("leave", l.account.Account, pass)}}
}

// answerGiven answers by --yes-to, --count or --no-keep.
func (l *leaving) answerGiven(c departure.Check) (bool, error) {
	statement, count := l.given(c), int64(0)
	for _, name := range []string{c.ID.Spoken() + ":" + c.Ask.Subject, c.ID.Spoken(), string(c.ID)} {
		if count == 0 {
			count = l.cmd.Count[name]
		}
	}
	if c.Ask.Kind == departure.Decline && !l.cmd.Keep && statement == "" {
		statement = "I do not want them kept on this device"
	}
	if statement == "" && count == 0 {
		return false, nil
	}
	return true, l.tell(c, statement, count)
}

// given is the statement of --yes-to for a check: by its name or its id, with
// or without what it is about.
func (l *leaving) given(c departure.Check) string {
	for _, name := range []string{c.ID.Spoken(), string(c.ID)} {
		if s, ok := l.cmd.YesTo[name+":"+c.Ask.Subject]; ok {
			return s
		}
		if s, ok := l.cmd.YesTo[name]; ok {
			return s
		}
	}
	return ""
}

// tell says a word and keeps what came of it.
func (l *leaving) tell(c departure.Check, statement string, count int64) (err error) {
	l.info, err = l.client.Say(l.ctx, l.info.Departure.ID, wordFor(c, statement, count))
	return err
}

// askRead shows the lists and asks for one yes to all of them.
func (l *leaving) askRead(q question) (bool, error) {
	if !l.terminal {
		return false, errNobody
	}
	l.say("")
	for _, c := range q.checks {
		title, ok := titles[c.ID]
		if !ok {
			title = strings.ToUpper(c.ID.Spoken()[:1]) + c.ID.Spoken()[1:] + ":"
		}
		l.say("%s", title)
		l.showLines(c)
	}
	yes, err := l.questions.yes(l.ctx, "If you have read this and it is right so, type yes:")
	if err != nil || !yes {
		return false, l.leaveOpen(q, err)
	}
	for _, c := range q.checks {
		if err := l.tell(c, "I have read this, and it is right so", 0); err != nil {
			return true, err
		}
	}
	return true, nil
}

// leaveOpen remembers that a question was put and not answered.
func (l *leaving) leaveOpen(q question, err error) error {
	if err != nil {
		return err
	}
	for _, c := range q.checks {
		l.passed[c.Ask.List] = true
	}
	return nil
}

// askKeep asks whether books of this device's own are wanted; yes is the
// default and needs no word.
func (l *leaving) askKeep(q question) (bool, error) {
	c := q.checks[0]
	l.passed[c.Ask.List] = true
	if !l.terminal {
		return false, nil
	}
	l.say("")
	l.showLines(c)
	answer, err := l.questions.ask(l.ctx, "Keep a copy of them on this device? [Y/n]")
	if err != nil {
		return false, err
	}
	if !strings.HasPrefix(strings.ToLower(answer), "n") {
		return false, nil
	}
	return true, l.tell(c, "I do not want them kept on this device", 0)
}

// askDevices settles the devices that were named, then asks whether there are
// others.
func (l *leaving) askDevices(q question) (bool, error) {
	if !l.terminal {
		return false, errNobody
	}
	c := q.checks[0]
	if c.Ask.Kind != departure.Waive {
		return l.askRead(q)
	}
	settled := false
	for _, d := range l.info.Devices {
		if d.State.Settled() {
			continue
		}
		attested := func(answer string) bool {
			state := departure.DeviceState(answer)
			return state.Settled() && state != departure.DeviceReported
		}
		answer, _, err := l.questions.until(l.ctx, printable(d.Name)+": is it signed-out, sold, lost or wiped? (Enter: none of them)",
			"Type one of these words, or nothing.", func(answer string) bool { return answer == "" || attested(answer) })
		if err != nil {
			return settled, err
		}
		if !attested(answer) {
			continue
		}
		state := departure.DeviceState(answer)
		d.State = state
		if l.info, err = l.client.AttestDevice(l.ctx, l.info.Departure.ID, d); err != nil {
			return settled, err
		}
		settled = true
	}
	if !settled {
		return false, l.leaveOpen(q, nil)
	}
	return true, nil
}

// askCounts asks for the numbers that the provider's own page shows.
func (l *leaving) askCounts(q question) (bool, error) {
	if !l.terminal {
		return false, errNobody
	}
	l.say("")
	l.say("Open the account at %s and read the numbers off its page.", printable(l.info.ProviderName))
	told := false
	for _, c := range q.checks {
		number := func(answer string) (int64, bool) {
			count, err := strconv.ParseInt(strings.ReplaceAll(answer, ",", ""), 10, 64)
			return count, err == nil && count >= 0
		}
		what := fmt.Sprintf("How many %s does it show?", c.ID.Spoken())
		if c.ID == departure.InventoryComplete {
			l.showLines(c)
			what = "How many parts are there?"
		}
		answer, _, err := l.questions.until(l.ctx, what+" (Enter: later)",
			"Type a whole number, such as 1926, or nothing.", func(answer string) bool {
				_, ok := number(answer)
				return ok || answer == ""
			})
		if err != nil {
			return told, err
		}
		count, ok := number(answer)
		if !ok {
			l.passed[c.Ask.List] = true
			continue
		}
		if err := l.tell(c, fmt.Sprintf("I counted %d at %s", count, l.info.ProviderName), count); err != nil {
			return told, err
		}
		told = true
	}
	return told, nil
}

func (l *leaving) askIntent() (departure.Intent, error) {
	l.say("What do you want?")
	for i, intent := range intents {
		l.say("  %d  %s", i+1, intent.text)
	}
	number := func(answer string) (int, bool) {
		n, err := strconv.Atoi(answer)
		return n, err == nil && n >= 1 && n <= len(intents)
	}
	answer, ok, err := l.questions.until(l.ctx, "1, 2 or 3:", "Type one of the numbers.", func(answer string) bool {
		_, ok := number(answer)
		return ok
	})
	if ok {
		n, _ := number(answer)
		return intents[n-1].id, nil
	}
	if err != nil && !errors.Is(err, errNobody) {
		return "", err
	}
	return "", &agent.Error{Kind: agent.KindInvalid, Text: "say what you want: to sign out, to switch to another account, or to delete it",
		Remedy: &departure.Remedy{Code: "intent", Text: "sign out, if you are unsure", Command: departure.Command("leave", l.account.Account, "--intent sign-out")}}
}

// wantsPassword reports whether the server asks for the password once more.
func (l *leaving) wantsPassword() bool {
	if l.passed["password"] {
		return false
	}
	wants := func(r *departure.Remedy) bool { return r != nil && r.Code == "password" }
	return wants(l.info.Waiting) || slices.ContainsFunc(l.info.Verdict.Checks.Open(), func(c departure.Check) bool { return wants(c.Remedy) })
}

// givePassword hands the password to the agent's memory, once.
func (l *leaving) givePassword() error {
	l.passed["password"] = true
	var password string
	var err error
	if l.cmd.PasswordFile != "" {
		password, err = l.questions.secretFile(l.ctx, l.cmd.PasswordFile)
	} else {
		l.say("The server asks for the account's password once more. It is kept in memory alone.")
		password, err = l.questions.secret(l.ctx, "Password (nothing is shown; Enter: without):")
	}
	if errors.Is(err, errNobody) || (err == nil && password == "") {
		return nil // another remedy may do; else what is left names this one
	}
	if err != nil {
		return err
	}
	return l.client.Credential(l.ctx, l.account.ID, password)
}

func number(questions int) string {
	if questions == 1 {
		return "1 question is"
	}
	return fmt.Sprintf("%d questions are", questions)
}
