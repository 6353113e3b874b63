package departure

import (
	"fmt"
	"math"
	"slices"
)

// wants reports whether the items of a dataset at the provider matter.
func (j *judge) wants(d Dataset) bool {
	return j.f.Departure.Required(Source{Dataset: d, Fate: Lost})
}

// CountList is the digest under which a person attests how many items of a
// dataset the provider's own page shows.
func CountList(account Account, d Dataset) Digest {
	return DigestOf("count", account.Provider, account.Identity, d)
}

func (j *judge) attested(d Dataset) (w Word, given, counts bool) {
	return j.said(BackupOf(d), Attest, "", CountList(j.f.Departure.Account, d))
}

func (j *judge) ackCmd(d Dataset) string {
	return j.cmd("ack", BackupOf(d).Spoken(), "--count", "N")
}

// tally adds up one dataset.
type tally struct {
	sources        int
	items, missing int64
	copies         int64 // items of this device's copies of what is at the server
	failed         int64
	unsound        int64 // in the copy, but not what they should be
	failures       []any
	unlisted       *Listing
	sealed         int
	coverage       int64
}

// count adds to the number that a person is told. A book here that mirrors the
// server's tells of the same items once more, and the trash is raw files: they
// are told only where there is nothing else.
func (t *tally) count(s Source, n int64) {
	switch {
	case s.Trash:
	case s.Fate == Leaves:
		t.copies = plus(t.copies, n)
	default:
		t.items = plus(t.items, n)
	}
}

// plus adds two counts and stops at the largest: a sum that wraps around would
// turn many missing items into none.
func plus(a, b int64) int64 {
	a, b = max(0, a), max(0, b)
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// told is how many items a person has of the dataset.
func (t *tally) told() int64 {
	if t.items == 0 {
		return t.copies
	}
	return t.items
}

func (j *judge) tally(d Dataset) tally {
	var t tally
	for _, l := range j.required() {
		if l.Source.Dataset != d {
			continue
		}
		t.sources++
		if !l.Complete {
			if r := j.row(l.Source.ID); r == nil {
				t.unlisted = &l
			} else {
				t.sealed++
				t.count(r.Source, r.Items)
			}
			continue
		}
		t.count(l.Source, l.Items)
		t.missing = plus(t.missing, l.Missing())
		t.failed = plus(t.failed, l.Failed)
		if l.Unsound != 0 { // what cannot be is one at least
			t.unsound = plus(t.unsound, max(1, l.Unsound))
			t.failures = append(t.failures, []any{l.Source.ID, "unsound", l.Unsounds})
		}
		if l.Source.Fate != Stays { // this device's own are none of those that were counted at the provider
			t.coverage = plus(t.coverage, l.Covered-max(0, l.Beside))
		}
		if l.Failed > 0 {
			t.failures = append(t.failures, []any{l.Source.ID, l.Failures})
		}
	}
	for _, r := range j.rows() {
		if _, here := j.listing(r.Source.ID); !here && r.Source.Dataset == d && j.stands(r) {
			t.sources, t.sealed = t.sources+1, t.sealed+1
			t.count(r.Source, r.Items)
		}
	}
	return t
}

// backup is the judge of one dataset's copy.
func backup(d Dataset) func(*judge) Check {
	return func(j *judge) Check { return j.backup(d) }
}

func (j *judge) backup(d Dataset) Check {
	if j.f.Look.At.IsZero() {
		return unknown(Reason{"not-looked", "nobody has looked at your " + string(d) + " yet"},
			&Remedy{Code: "look", Text: "look first", Command: j.cmd("plan")})
	}
	t := j.tally(d)
	if t.unlisted != nil {
		return unknown(Reason{"not-listed", t.unlisted.Source.Name + " could not be listed"},
			&Remedy{Code: "look", Text: "look again", Command: j.cmd("plan")})
	}
	if t.missing > 0 {
		c := fail(Reason{"missing", fmt.Sprintf("%s of %s are not in your copy yet", number(t.missing), counted(max(t.told(), t.missing+t.failed), d))},
			j.goOn("backup", "copy them", StepBackup))
		c.Count, c.Of = t.missing, max(t.told(), t.missing)
		return c
	}
	if c, open := j.failures(d, &t); open {
		return c
	}
	if j.f.Departure.Account.Declared {
		return j.declared(d, t)
	}
	if t.sources == 0 {
		if !j.f.Look.Complete {
			return unknown(Reason{"not-known", "it is not known where your " + string(d) + " are"},
				&Remedy{Code: "look", Text: "look again", Command: j.cmd("plan")})
		}
		return na("none", "none that would be lost")
	}
	if t.told() == 0 {
		return na("empty", "there are none")
	}
	return Check{Status: Pass, Reason: Reason{"copied", counted(t.told(), d) + " in your copy"}, Count: t.told(), Of: t.told()}
}

// failures asks the person to accept what could not be copied, and what was
// copied as it was although it is not what it should be.
func (j *judge) failures(d Dataset, t *tally) (c Check, open bool) {
	n, all := plus(t.failed, t.unsound), counted(max(t.told(), t.missing+t.failed), d)
	why := Reason{"failed", fmt.Sprintf("%s of %s could not be copied", number(t.failed), all)}
	loses := "eleting now loses them"
	switch {
	case n == 0:
		return c, false
	case t.failed == 0:
		why = Reason{"damaged-at-source", fmt.Sprintf("%s of %s are damaged or incomplete where they come from, and are in your copy as they are", number(t.unsound), all)}
		loses = "eleting now loses what may be better ones"
	case t.unsound > 0:
		why.Text += fmt.Sprintf(", and %s are in your copy as they are, but damaged or incomplete", number(t.unsound))
	}
	c = j.ask(BackupOf(d), Accept, "", []Line{{ID: string(d), Text: why.Text + "; d" + loses}}, FailureList(d, t.failures),
		Reason{why.Code, why.Text + ". D" + loses}, "look at them first")
	if c.Status == Pass {
		return c, false
	}
	c.Count, c.Of = n, max(t.told(), n)
	if c.Ask != nil && !c.Ask.Said {
		c.Remedy = &Remedy{Code: "see-failures", Text: "see which", Command: j.cmd("items", "--failed")}
	}
	return c, true
}

// FailureList is the digest under which a person accepts the failures of one
// dataset: it changes when another item fails, or the same one for another
// reason.
func FailureList(d Dataset, failures []any) Digest { return DigestOf("failures", d, failures) }

// declared judges a dataset of an account that is not on this device: what was
// given must be as many as the person counted at the provider.
func (j *judge) declared(d Dataset, t tally) Check {
	if !j.wants(d) || !slices.Contains(j.p.Datasets, d) {
		if t.sources == 0 {
			return na("none", "none that would be lost")
		}
		return Check{Status: Pass, Reason: Reason{"copied", counted(t.told(), d) + " in your copy"}, Count: t.told(), Of: t.told()}
	}
	w, given, counts := j.attested(d)
	ask := &Ask{Kind: Attest, List: CountList(j.f.Departure.Account, d), Said: given,
		Lines: []Line{{ID: string(d), Text: fmt.Sprintf("how many %s the account's own page at %s shows", d, j.p.Name)}}}
	switch {
	case !given:
		c := unknown(Reason{"not-said", fmt.Sprintf("only %s can tell how many %s there are, and it was not said yet", j.p.Name, d)},
			&Remedy{Code: "say", Text: "count them there and say the number", Command: j.ackCmd(d)})
		c.Ask = ask
		return c
	case t.coverage < w.Count:
		c := fail(Reason{"fewer", fmt.Sprintf("you counted %s, your copy has %s", counted(w.Count, d), number(t.coverage))},
			&Remedy{Code: "add", Text: "export the rest and add it", Command: j.cmd("sources add", string(d), "FOLDER")})
		c.Count, c.Of, c.Ask = w.Count-t.coverage, w.Count, ask
		return c
	case !counts:
		c := fail(Reason{"awaits-authorisation", "you said so; it counts once you authorise"}, j.authorise())
		c.Ask = ask
		return c
	}
	return Check{Status: Attested, Count: t.coverage, Of: w.Count,
		Reason: Reason{"attested", fmt.Sprintf("you counted %s, your copy has %s", number(w.Count), number(t.coverage))}}
}

func orReason(r, or Reason) Reason {
	if r.Text == "" {
		return or
	}
	return r
}
