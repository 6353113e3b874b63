package departure

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// judge holds the facts while the rows of the table are judged.
type judge struct {
	f       Facts
	p       Profile
	pol     Policy
	now     time.Time
	unbound bool
	handed  bool
	pending []Effect
	// early: a check that has to hold before any sign-in is removed does not. The
	// rows are judged in the order of the table, where these come first.
	early bool
}

func newJudge(f Facts, p Profile, pol Policy, now time.Time) *judge {
	j := &judge{f: f, p: p, pol: pol, now: now, unbound: Unbound(f.Bindings), handed: f.Handed(p)}
	j.pending = j.pendingEffects()
	return j
}

// Unbound reports whether the account was signed out on this device, by us or
// by anyone, where sources came with it: from then on a source of it may be gone.
func Unbound(known []KnownBinding) bool {
	return slices.ContainsFunc(known, func(b KnownBinding) bool { return b.Carries && !b.GoneAt.IsZero() })
}

// signedOut reports whether no sign-in of the account is left here.
func (j *judge) signedOut() bool {
	return j.bindingsRemoved().Status.Holds()
}

// nextSignedIn reports whether another account appeared that was not here when
// the departure began.
func (j *judge) nextSignedIn() bool {
	for _, o := range j.f.Look.Others {
		if !slices.ContainsFunc(j.f.Separate, func(s OtherHolder) bool { return s.ID == o.ID }) {
			return true
		}
	}
	return false
}

// Required reports whether the items of a source must be in the copy.
func (d Departure) Required(s Source) bool {
	if s.SharedBy != "" {
		return d.Shared && d.Intent == Delete
	}
	switch s.Fate {
	case Leaves:
		return true
	case Stays:
		return (d.Fate == WipedDevice || d.Fate == ReturnedDevice) || slices.Contains(d.Extra, s.Dataset)
	default:
		return d.Intent == Delete
	}
}

// required are the listings of the sources that must be in the copy.
func (j *judge) required() []Listing {
	var ls []Listing
	for _, l := range j.f.Look.Listings {
		if j.f.Departure.Required(l.Source) {
			ls = append(ls, l)
		}
	}
	return ls
}

func (j *judge) rows() []SealRow {
	if j.f.Seal == nil {
		return nil
	}
	return j.f.Seal.Rows
}

// stands reports whether a row of the seal may stand for a source whose listing
// is not to be had: after the account was signed out here, and for the server's
// part once the deletion was handed in from this device.
func (j *judge) stands(r SealRow) bool { return j.unbound || (j.handed && r.Source.Remote) }

// row is the seal's row that stands for a source, nil where none does.
func (j *judge) row(id SourceID) *SealRow {
	if r := j.f.Seal.Row(id); r != nil && j.stands(*r) {
		return r
	}
	return nil
}

func (j *judge) listing(id SourceID) (Listing, bool) {
	for _, l := range j.f.Look.Listings {
		if l.Source.ID == id {
			return l, true
		}
	}
	return Listing{}, false
}

// pendingEffects are the irreversible acts still to come, in their order.
func (j *judge) pendingEffects() []Effect {
	var es []Effect
	for _, t := range j.f.Trackers.Seen {
		if t.State != TrackerOff {
			es = append(es, FindMyEffect(t.Name))
		}
	}
	if j.f.Departure.Intent == Delete && j.p.Path.Needs == SignedInHere && j.f.Submitted.IsZero() {
		return es
	}
	for _, b := range j.f.Look.Bindings {
		if b.State == BindingPresent && !b.Guided { // one that is not known may be somebody else's
			es = append(es, UnbindEffect(b.ID))
		}
	}
	return es
}

// said looks for a word over exactly this list: whether it was given, and
// whether the latest authorisation carries it.
func (j *judge) said(id CheckID, kind WordKind, subject string, list Digest) (w Word, given, counts bool) {
	for _, k := range j.f.Words {
		if k.Check != id || k.Kind != kind || k.Subject != subject || k.List != list {
			continue
		}
		if j.f.Authorisation.Carries(k) {
			return k, true, true
		}
		w, given = k, true
	}
	return w, given, false
}

func (j *judge) waivedByPolicy(id CheckID, list Digest) bool {
	if !slices.Contains(j.pol.Waivable, id) {
		return false
	}
	_, _, counts := j.said(id, Waive, "", list)
	return counts
}

// ask is the check of a list that a person must answer for: it passes once an
// authorisation carries their word over exactly this list.
func (j *judge) ask(id CheckID, kind WordKind, subject string, lines []Line, list Digest, open Reason, remedy string) Check {
	_, given, counts := j.said(id, kind, subject, list)
	if counts {
		return Check{Status: Pass, Reason: Reason{"said", "you said so"}, Count: int64(len(lines))}
	}
	a := &Ask{Kind: kind, Subject: subject, List: list, Lines: lines, Said: given}
	if given {
		return Check{Status: Fail, Count: int64(len(lines)), Ask: a,
			Reason: Reason{"awaits-authorisation", "you said so; it counts once you authorise with your password"},
			Remedy: j.authorise()}
	}
	return Check{Status: Fail, Reason: open, Count: int64(len(lines)), Ask: a,
		Remedy: &Remedy{Code: "say", Text: remedy, Command: j.cmd("leave")}}
}

// cmd is a command line about this departure's account.
func (j *judge) cmd(verb string, more ...string) string {
	return Command(verb, j.f.Departure.Account, more...)
}

// Command is a command line about an account, to be typed as it is.
func Command(verb string, account Account, more ...string) string {
	name := account.Identity
	if strings.HasPrefix(name, "-") { // it would be read as an option
		name = account.ID
	}
	return strings.Join(append([]string{"clearance", verb, quoted(name)}, more...), " ")
}

// quoted is an argument as a shell reads it back.
func quoted(s string) string {
	plain := s != ""
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !slices.Contains([]rune("@.-_:/+"), r) {
			plain = false
		}
	}
	if plain {
		return s
	}
	q := "'"
	for _, r := range s {
		if r == '\'' {
			q += `'\''`
			continue
		}
		q += string(r)
	}
	return q + "'"
}

func (j *judge) authorise() *Remedy {
	return &Remedy{Code: "authorise", Text: "authorise with your password", Command: j.cmd("authorize")}
}

func (j *judge) goOn(code, text string, until Step) *Remedy {
	verb := "leave"
	switch until {
	case StepBackup:
		verb = "backup"
	case StepVerify:
		verb = "verify"
	}
	return &Remedy{Code: code, Text: text, Command: j.cmd(verb)}
}

func pass(code, text string) Check { return Check{Status: Pass, Reason: Reason{code, text}} }
func na(code, text string) Check   { return Check{Status: NA, Reason: Reason{code, text}} }

func unknown(why Reason, remedy *Remedy) Check {
	return Check{Status: Unknown, Reason: why, Remedy: remedy}
}

func fail(why Reason, remedy *Remedy) Check {
	return Check{Status: Fail, Reason: why, Remedy: remedy}
}

// size is an amount of bytes for a person: "3.1 GB".
func size(bytes int64) string { return humanize.Bytes(uint64(max(bytes, 0))) }

// number is n with thousands parted by commas.
func number(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted is "1 photo", "1,926 photos", "1 item of photos" for a dataset.
func counted(n int64, d Dataset) string {
	one := map[Dataset]string{Photos: "photo", Contacts: "contact", Notes: "note", Calendars: "calendar entry", Files: "file"}
	many := map[Dataset]string{Photos: "photos", Contacts: "contacts", Notes: "notes", Calendars: "calendar entries", Files: "files"}
	if n == 1 {
		return "1 " + one[d]
	}
	return number(n) + " " + many[d]
}
