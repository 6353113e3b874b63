package cli

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/api"
)

// leaveCmd walks the whole way. What it knows it asks of the agent, so it can
// be stopped anywhere and begun again.
type leaveCmd struct {
	Account      string               `arg:"" help:"The account."`
	Intent       departure.Intent     `help:"What you want: sign-out, switch or delete." placeholder:"INTENT"`
	Path         string               `help:"The way to delete, as in clearance providers." placeholder:"ID"`
	To           string               `help:"The folder for your copy, best on another disk." placeholder:"FOLDER"`
	ThisDevice   departure.DeviceFate `help:"What becomes of this device: kept, wiped or returned." placeholder:"STATE"`
	Also         []departure.Dataset  `help:"Copy this device's own photos, contacts, notes, calendars or files as well." placeholder:"KIND"`
	Shared       bool                 `help:"Copy what other people share with the account as well: it stays theirs when the account is deleted."`
	YesTo        map[string]string    `help:"Answer a question by its name, for scripts; authorise is one of them." placeholder:"NAME=STATEMENT" mapsep:"none"`
	Count        map[string]int64     `help:"What you counted at the provider, for scripts." placeholder:"KIND=N"`
	Keep         bool                 `negatable:"" default:"true" help:"Keep contacts, notes and calendars that would leave this device in books of its own."`
	PasswordFile string               `help:"File with the account's password; - is standard input." placeholder:"FILE"`
	Until        string               `help:"Stop after a step: ${steps}." placeholder:"STEP"`
	Watch        *bool                `negatable:"" help:"Go on watching once you may delete; by default at a terminal."`
	AtOwnRisk    bool                 `help:"Sign the list of what you will lose, instead of making it safe. Gives no permit."`
}

// maxRounds bounds how often it goes on after answers: each round answers
// something, and there are fewer questions than this.
const maxRounds = 16

// leaving is a walk under way.
type leaving struct {
	*session
	cmd     leaveCmd
	account agent.AccountInfo
	info    agent.DepartureInfo
	until   departure.Step
	fresh   bool
	told    map[departure.CheckID]bool // milestones that were shown
	passed  map[departure.Digest]bool  // lists that the person left without an answer
	tried   map[departure.Digest]bool  // what was authorised
	tries   int
	listed  bool // NOT READY was shown
}

// Run walks.
func (c leaveCmd) Run(s *session) error {
	l := &leaving{session: s, cmd: c, told: map[departure.CheckID]bool{}, passed: map[departure.Digest]bool{}, tried: map[departure.Digest]bool{}}
	if err := l.begin(); err != nil {
		return err
	}
	if l.info.State != engine.Open {
		return l.finish()
	}
	if c.AtOwnRisk {
		return l.atOwnRisk()
	}
	if err := l.copy(); err != nil {
		return err
	}
	if l.done() {
		return l.finish()
	}
	for range maxRounds {
		going, err := l.round()
		if err != nil {
			return err
		}
		if l.done() {
			return l.finish()
		}
		if !going {
			break
		}
	}
	return notReady(l.info, "not ready")
}

// begin opens the leaving, or takes up the one that is open.
func (l *leaving) begin() (err error) {
	if l.account, err = l.session.account(l.cmd.Account); err != nil {
		return l.over(err)
	}
	l.resume = departure.Command("leave", l.account.Account)
	if l.account.Departure == "" {
		l.fresh = true
		return l.open()
	}
	if l.info, err = l.client.Departure(l.ctx, l.account.Departure); err != nil {
		return err
	}
	if l.cmd.Intent != "" && l.cmd.Intent != l.info.Departure.Intent {
		return l.open()
	}
	l.say("Going on with leaving %s at %s, begun %s.", printable(l.account.Identity), printable(l.info.ProviderName), l.clock(l.info.Departure.Opened))
	return l.choose()
}

// over takes up one that was finished, whose account is no longer here.
func (l *leaving) over(missing error) error {
	info, err := l.leavingToShow(l.cmd.Account)
	if err != nil || info.State != engine.Finished || (l.cmd.Intent != "" && l.cmd.Intent != info.Departure.Intent) {
		return missing
	}
	l.info, l.account.Account = info, info.Departure.Account
	return nil
}

func (l *leaving) open() (err error) {
	intent := l.cmd.Intent
	if intent == "" {
		if intent, err = l.askIntent(); err != nil {
			return err
		}
	}
	l.info, err = l.client.StartDeparture(l.ctx, agent.StartRequest{Account: l.account.ID, Intent: intent,
		Path: l.cmd.Path, Fate: l.cmd.ThisDevice, Extra: l.cmd.Also, Shared: l.cmd.Shared})
	if err != nil {
		return err
	}
	l.account.Departure = l.info.Departure.ID
	l.say("Leaving %s at %s, %s.", printable(l.account.Identity), printable(l.info.ProviderName), wanted(intent))
	return l.choose()
}

// choose is how far to go.
func (l *leaving) choose() error {
	switch {
	case l.cmd.Until != "":
		until, ok := stepNamed(l.cmd.Until)
		if !ok {
			return &agent.Error{Kind: agent.KindInvalid, Text: fmt.Sprintf("there is no step %q; there are: %s", l.cmd.Until, stepNames())}
		}
		l.until = until
	case l.info.Departure.Intent != departure.Delete:
		l.until = departure.StepRecheck
	case l.info.Submitted.IsZero():
		l.until = departure.StepPermit
	default:
		l.until = departure.StepTrack
	}
	return nil
}

// goTo goes up to a step, and tells what came to hold.
func (l *leaving) goTo(step departure.Step) error {
	if step.Order() > l.until.Order() {
		step = l.until
	}
	info, err := l.session.run(l.info, step)
	if err != nil {
		return err
	}
	l.info = info
	l.milestones()
	return nil
}

// copy shows what would be lost, gets a place, copies and reads back.
func (l *leaving) copy() error {
	if l.fresh {
		plan, err := l.plan(l.account)
		if err != nil {
			return err
		}
		if !l.json {
			l.showPlan(l.account, plan, l.showKindsInShort)
		}
	}
	if l.cmd.To != "" || l.info.Destination.Folder == "" {
		if err := l.goTo(departure.StepInventory); err != nil || l.until == departure.StepInventory {
			return err
		}
		if err := l.choosePlace(); err != nil {
			return err
		}
	}
	return l.goTo(departure.StepVerify)
}

func (l *leaving) choosePlace() (err error) {
	folder := l.cmd.To
	place, _ := l.info.Verdict.Checks.Get(departure.DestinationApart)
	if folder == "" && place.Status.Holds() { // nothing has to be copied
		return nil
	}
	if folder == "" {
		return l.askPlace()
	}
	l.info, err = l.session.place(l.info, folder)
	return err
}

// askPlace asks for the folder, and again where the one named will not do.
func (l *leaving) askPlace() error {
	l.offerDisks()
	var refused error
	for range tries {
		folder, err := l.questions.ask(l.ctx, "Where should your copy go? A folder, best on another disk:")
		if err != nil || folder == "" {
			return l.unanswered(err, "no place was chosen for your copy", "--to FOLDER")
		}
		info, err := l.session.place(l.info, folder)
		if err == nil {
			l.info = info
			return nil
		}
		var said *agent.Error
		if !errors.As(err, &said) || said.Kind != agent.KindInvalid {
			return err
		}
		l.say("%s", printable(said.Text))
		refused = err
	}
	return refused
}

// round answers what is open and goes on; going is false when nothing more can
// be done here.
func (l *leaving) round() (going bool, err error) {
	if l.wantsPassword() {
		if err := l.givePassword(); err != nil {
			return false, err
		}
		return true, l.goTo(l.until)
	}
	if !l.listed && len(l.info.Verdict.Checks.Open()) > 0 {
		l.listed = true
		l.say("")
		l.say("NOT READY. What is left:")
		l.session.showOpen(l.info.Verdict.Checks)
	}
	answered, err := l.answer()
	if err != nil {
		return false, err
	}
	if err := l.goTo(l.until); err != nil || l.done() {
		return false, err
	}
	if answered {
		return true, nil
	}
	if !l.mayAuthorise() {
		return false, nil
	}
	if err := l.giveLeave(); err != nil {
		return false, err
	}
	return true, l.goTo(l.until)
}

// done reports whether the end of this walk is reached.
func (l *leaving) done() bool {
	switch {
	case l.cmd.Until != "":
		return reached(l.info, l.until)
	case l.info.State != engine.Open || l.info.Verdict.Complete:
		return true
	}
	return l.info.Departure.Intent == departure.Delete && l.info.Submitted.IsZero() && l.info.Verdict.Ready
}

// milestone is a check that is told of when it comes to hold.
var milestone = map[departure.CheckID]string{
	departure.BackupOf(departure.Photos): "copied", departure.BackupOf(departure.Contacts): "copied",
	departure.BackupOf(departure.Notes): "copied", departure.BackupOf(departure.Calendars): "copied",
	departure.BackupOf(departure.Files): "copied", departure.BackupVerified: "read back", departure.KeptHere: "kept",
	departure.FindMyDeviceOff: "done", departure.BindingsRemoved: "done",
}

func (l *leaving) milestones() {
	for _, c := range l.info.Verdict.Checks {
		word, ok := milestone[c.ID]
		if !ok || l.told[c.ID] || !c.Status.Holds() || c.Status == departure.NA {
			continue
		}
		l.told[c.ID] = true
		l.say("  %-9s %s", word, printable(c.Reason.Text))
	}
}

// finish tells the end, and where to go from here.
func (l *leaving) finish() error {
	if l.info.Departure.Intent != departure.Delete || !l.info.Verdict.Ready || l.cmd.Until != "" || l.info.State != engine.Open {
		l.give("departure", l.info, func() { l.showEnd() })
		return nil
	}
	watch := l.terminal
	if l.cmd.Watch != nil {
		watch = *l.cmd.Watch
	}
	if !watch && !mayGoOn(l.info) { // something changed while the last look ended
		l.give("departure", l.info, func() { l.showStatus(l.info) })
		return exit(api.ExitNotReady)
	}
	l.give("departure", l.info, func() { l.showReady(watch) })
	if !watch {
		return nil
	}
	var done <-chan line
	if l.terminal {
		done = l.questions.lines.begin()
	}
	return l.live(l.info, done)
}

func (l *leaving) showReady(watch bool) {
	l.say("")
	if !watch { // else the watching says so itself, and keeps it true
		l.say("READY. You may delete this account now.")
		l.showSeen(l.info)
		l.showWhere(l.info)
		l.say("Checked at %s, holds until %s.", l.clock(l.info.Verdict.At), l.clock(l.info.Verdict.Until))
	}
	l.say("When you have asked for the deletion: `%s`", departure.Command("submitted", l.account.Account))
	l.say("For a permit: `%s`", departure.Command("permit", l.account.Account, "--audience NAME --nonce TEXT"))
	if l.terminal && watch {
		l.say("Watching. Press Enter to stop.")
	}
}

func (l *leaving) showEnd() {
	l.say("")
	switch {
	case l.cmd.Until != "" && l.info.State == engine.Open:
		l.say("Done up to here. Next: `%s`", departure.Command("leave", l.account.Account))
	case l.info.Departure.Intent == departure.Delete:
		l.say("Done. The deletion of %s is in the provider's hands.", printable(l.account.Identity))
	default:
		l.say("Done. %s is signed out on this device; the account lives on.", printable(l.account.Identity))
	}
	if l.info.Copy.Items > 0 {
		l.say("Your copy: %s items, %s, in %s", humanize.Comma(l.info.Copy.Items), size(l.info.Copy.Bytes), printable(l.info.Copy.Shown))
		if disk := l.info.Copy.DiskName; disk != "" {
			l.say("Before you unplug %s: `%s`", printable(disk), departure.Command("destination", l.account.Account, "--eject"))
		}
	}
}
