package departure

import (
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// pick is one of some values, now and then a zero one.
func pick[T any](t *rapid.T, name string, of ...T) T {
	var zero T
	return rapid.SampledFrom(append(of, zero)).Draw(t, name)
}

func digestGen(t *rapid.T, name string) Digest { return pick[Digest](t, name, "a", "b", "ledger") }

func timeGen(t *rapid.T, name string) time.Time {
	return pick(t, name, at, at.Add(-time.Minute), at.Add(-9*time.Hour), at.Add(-48*time.Hour), at.Add(time.Hour))
}

func countGen(t *rapid.T, name string) int64 {
	return rapid.SampledFrom([]int64{0, 0, 1, 5, 20, math.MaxInt64, -1, math.MinInt64}).Draw(t, name)
}

func reasonGen(t *rapid.T) Reason {
	return pick(t, "why", Reason{"no-credential", "the password is not known any more"}, Reason{"unauthorized", "401"}, Reason{Code: "coded"})
}

func sourceGen(t *rapid.T) Source {
	return Source{ID: pick[SourceID](t, "source", "a", "b", "c"), Dataset: pick(t, "dataset", append(Datasets, "songs")...), Fate: pick(t, "fate", Lost, Leaves, Stays),
		Remote: rapid.Bool().Draw(t, "remote"), OfAccount: rapid.Bool().Draw(t, "of account"), Given: rapid.Bool().Draw(t, "given"),
		Trash: rapid.Bool().Draw(t, "trash"), TrashOf: pick[SourceID](t, "trash of", "a"), Name: "a source"}
}

func bindingGen(t *rapid.T) Binding {
	return Binding{ID: pick(t, "id", "goa-1", "goa-2"), Guided: rapid.Bool().Draw(t, "guided"), State: pick(t, "state", BindingPresent, BindingLeftover, BindingGone, "", "odd"),
		Unread: rapid.SampledFrom([]Digest{"", "", "a"}).Draw(t, "unread"), Blocked: rapid.SampledFrom([]*Remedy{nil, {Code: ByHand, Text: "do it"}}).Draw(t, "blocked")}
}

func listingGen(t *rapid.T) Listing {
	return Listing{Source: sourceGen(t), Complete: rapid.Bool().Draw(t, "complete"), Why: reasonGen(t), EndedAt: timeGen(t, "ended"),
		Export: rapid.SampledFrom([]string{"", "", "takeout-1"}).Draw(t, "export"), Parts: rapid.Int64Range(-1, 3).Draw(t, "parts"),
		Keys: digestGen(t, "keys"), Items: countGen(t, "items"), Covered: countGen(t, "covered"), Failed: countGen(t, "failed"), Failures: digestGen(t, "failures"), Unsound: countGen(t, "unsound"), Unsounds: digestGen(t, "unsounds")}
}

func list[T any](t *rapid.T, name string, one func(*rapid.T) T) []T {
	var all []T
	for range rapid.IntRange(0, 3).Draw(t, name) {
		all = append(all, one(t))
	}
	return all
}

func wordGen(t *rapid.T) Word {
	return Word{Check: pick(t, "check", CheckIDs()...), Kind: pick(t, "kind", Acknowledge, Attest, Accept, Decline, Waive), Subject: pick(t, "subject", "a", "device-1"),
		List: digestGen(t, "list"), Statement: "yes", Count: countGen(t, "count")}
}

func effectGen(t *rapid.T) Effect {
	return pick(t, "effect", FindMyEffect("a"), UnbindEffect("goa-1"), UnbindEffect("goa-2"), "format:disk")
}

// anything is any facts at all, as a faulty or hostile worker might give them.
func anything(t *rapid.T) input {
	in := input{p: profile(), now: at, pol: Policy{Allows: rapid.Bool().Draw(t, "allows"), Waivable: list(t, "waivable", func(t *rapid.T) CheckID { return pick(t, "check", CheckIDs()...) })}}
	in.p.Path.Needs = pick(t, "needs", Web, SignedInHere, AskAdmin)
	in.p.NoTracker = rapid.Bool().Draw(t, "no tracker")
	in.p.Datasets = list(t, "datasets", func(t *rapid.T) Dataset { return pick(t, "dataset", Datasets...) })
	b := func(name string) bool { return rapid.Bool().Draw(t, name) }
	in.f = Facts{
		Departure: Departure{Account: Account{Identity: pick(t, "identity", "alice@cloud", "it's"), Declared: b("declared")}, Intent: pick(t, "intent", Delete, Delete, SignOut, Switch),
			Fate: pick(t, "fate", KeptDevice, WipedDevice, ReturnedDevice), Extra: list(t, "extra", func(t *rapid.T) Dataset { return pick(t, "dataset", Datasets...) })},
		Health: Health{Worker: b("worker"), Buses: b("buses"), Store: b("store"), Clock: b("clock"), Why: reasonGen(t)},
		Trackers: Trackers{Complete: b("asked"), Why: reasonGen(t), Seen: list(t, "trackers", func(t *rapid.T) Tracker {
			return Tracker{Name: pick(t, "name", "a", "b"), State: pick(t, "state", TrackerOn, TrackerOff, "odd")}
		})},
		Sources: list(t, "known", func(t *rapid.T) KnownSource { return KnownSource{sourceGen(t), countGen(t, "items")} }),
		Bindings: list(t, "bindings", func(t *rapid.T) KnownBinding {
			return KnownBinding{ID: pick(t, "id", "goa-1", "goa-2"), Carries: rapid.Bool().Draw(t, "carries"), GoneAt: timeGen(t, "gone"), CameBack: rapid.Bool().Draw(t, "back")}
		}),
		Separate: list(t, "separate", func(t *rapid.T) OtherHolder { return OtherHolder{"other", pick(t, "other", "x", "y")} }),
		Devices:  list(t, "devices", func(t *rapid.T) Device { return Device{"device-1", "phone", pick(t, "state", DeviceSold, "odd")} }),
		Words:    list(t, "words", wordGen),
		Grants: list(t, "grants", func(t *rapid.T) Grant {
			return Grant{Effect: effectGen(t), From: timeGen(t, "from"), UsedAt: timeGen(t, "used"), VoidAt: timeGen(t, "void")}
		}),
		Acts: list(t, "acts", func(t *rapid.T) Act {
			return Act{Effect: effectGen(t), State: pick(t, "state", ActIntended, ActDone, ActInterrupted)}
		}),
		Ledger: digestGen(t, "ledger"), Submitted: timeGen(t, "submitted"), ServerRequired: timeGen(t, "required"), Assured: AssuredSystem,
	}
	in.f.Look = Look{At: timeGen(t, "looked"), Complete: b("look complete"), Why: reasonGen(t), Listings: list(t, "listings", listingGen),
		Copy: Copy{Place: pick(t, "place", PlaceApart, PlaceSameDisk, PlaceRefused, PlaceUnset, "odd"), Present: b("present"), BagID: pick(t, "bag", "bag"), Need: countGen(t, "need"),
			Free: countGen(t, "free"), Ledger: digestGen(t, "copy ledger"), Items: countGen(t, "copied"), Unread: countGen(t, "unread"), Damaged: countGen(t, "damaged"), Differs: countGen(t, "differs"), OldestRead: timeGen(t, "read"), LatestRead: timeGen(t, "read last")},
		Kept:     Kept{Known: b("kept known"), Needed: countGen(t, "needed"), Present: countGen(t, "kept")},
		Bindings: list(t, "seen bindings", bindingGen),
		Others:   list(t, "others", func(t *rapid.T) OtherHolder { return OtherHolder{"other", pick(t, "other", "x", "y")} }),
	}
	if b("sealed") {
		in.f.Seal = &Seal{End: timeGen(t, "seal"), Rows: list(t, "rows", func(t *rapid.T) SealRow {
			return SealRow{Source: sourceGen(t), Keys: digestGen(t, "keys"), Items: countGen(t, "items"), Intact: rapid.Bool().Draw(t, "intact")}
		})}
	}
	if b("authorised") {
		in.authorise()
	}
	return in
}

// mostly is the facts of a departure that is ready, with a few parts of any
// other.
func mostly(t *rapid.T) input {
	in, odd := rapid.SampledFrom([]func() input{done, done, told, restarted, signOut, empty}).Draw(t, "base")(), anything(t)
	for range rapid.IntRange(0, 2).Draw(t, "changes") {
		rapid.SampledFrom([]func(){
			func() { in.f.Health = odd.f.Health },
			func() { in.f.Look.Listings = append(in.f.Look.Listings, odd.f.Look.Listings...) },
			func() { in.f.Look.Listings = odd.f.Look.Listings },
			func() { in.f.Look.Copy = odd.f.Look.Copy },
			func() { in.f.Look.Kept = odd.f.Look.Kept },
			func() { in.f.Look.Bindings = odd.f.Look.Bindings },
			func() { in.f.Trackers = odd.f.Trackers },
			func() { in.f.Seal = odd.f.Seal },
			func() { in.f.Authorisation = odd.f.Authorisation },
			func() { in.f.Devices = odd.f.Devices },
			func() { in.f.Sources = append(in.f.Sources, odd.f.Sources...) },
			func() { in.f.Submitted = odd.f.Submitted },
			func() { in.p.Datasets = odd.p.Datasets },
			func() { in.f.Departure.Intent = odd.f.Departure.Intent },
		}).Draw(t, "change")()
	}
	return in
}

// sound is what must hold of the verdict over any facts.
func sound(t *rapid.T, in input) {
	v := in.evaluate()
	if len(v.Checks) != len(CheckIDs()) {
		t.Fatalf("%d rows", len(v.Checks))
	}
	hold := map[Stage]bool{Release: true, Ready: true, Complete: true}
	for _, c := range v.Checks {
		hold[c.Stage] = hold[c.Stage] && c.Status.Holds()
		if c.Status.Holds() {
			continue
		}
		if c.Status != Fail && c.Status != Unknown {
			t.Fatalf("%s is %q", c.ID, c.Status)
		}
		if c.Remedy == nil || (c.Remedy.Command != "" && !strings.HasPrefix(c.Remedy.Command, "clearance ")) {
			t.Fatalf("%s [%s]: remedy %+v", c.ID, c.Reason.Code, c.Remedy)
		}
		if c.Reason.Text == "" || c.Reason.Code == "" {
			t.Fatalf("%s says nothing: %+v", c.ID, c)
		}
	}
	if v.Release && !hold[Release] {
		t.Fatal("released although a row does not hold")
	}
	if v.Ready && (!hold[Release] || !hold[Ready] || in.f.Departure.Intent != Delete) {
		t.Fatal("ready although a row does not hold")
	}
	if v.Ready {
		loses(t, in)
	}
	if again := in.evaluate(); again.Basis != v.Basis || again.Ready != v.Ready {
		t.Fatal("another verdict over the same facts")
	}
}

// loses says so where a deletion would lose what the copy lacks; it knows
// nothing of the table.
func loses(t *rapid.T, in input) {
	l := in.f.Look
	if !in.f.Health.Worker || !l.Complete || l.At.IsZero() || in.f.Authorisation == nil || !in.pol.Allows {
		t.Fatal("ready, and nobody can see")
	}
	for _, s := range l.Listings {
		sealed := slices.ContainsFunc(in.f.Seal.Rows, func(r SealRow) bool { return r.Source.ID == s.Source.ID && r.Intact })
		if s.Source.Fate != Stays && s.Complete && (s.Items < 0 || s.Covered < 0 || s.Failed < 0 || s.Items-s.Covered-s.Failed > 0) {
			t.Fatalf("ready, and %s has items that are not in the copy", s.Source.ID)
		}
		if s.Source.Fate != Stays && !s.Complete && !sealed {
			t.Fatalf("ready, and %s was not listed", s.Source.ID)
		}
	}
	if c := l.Copy; c.Items > 0 && (c.OldestRead.After(in.now) || c.LatestRead.After(in.now)) {
		t.Fatal("ready by a reading back that is still to come")
	}
	for _, tr := range in.f.Trackers.Seen {
		if tr.State != TrackerOff {
			t.Fatal("ready, and Find My Device may be on")
		}
	}
	for _, b := range l.Bindings {
		if b.State != BindingGone && in.p.Path.Needs != SignedInHere {
			t.Fatal("ready, and signed in here")
		}
	}
}

func TestAnyFacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { sound(t, anything(t)) })
}

func TestAlmostReadyFacts(t *testing.T) {
	ready := 0
	rapid.Check(t, func(t *rapid.T) {
		in := mostly(t)
		if in.evaluate().Ready {
			ready++
		}
		sound(t, in)
	})
	if ready == 0 {
		t.Error("none of them was ready: nothing was tested")
	}
}

func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"", "alice@cloud", "it's", "$(reboot)", "a b", "--yes", "é", "a\nb", `\`, "'''", "*", "~", "!!"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsRune(s, 0) || strings.ToValidUTF8(s, "") != s {
			t.Skip("no argument of a program")
		}
		out, err := exec.Command("/bin/sh", "-c", "printf %s "+quoted(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q comes back as %q (%v)", s, out, err)
		}
	})
}

func TestCommandsNameTheAccount(t *testing.T) {
	in := released()
	in.f.Departure.Account.Identity = "o'brien & sons"
	in.f.Authorisation = nil
	c, _ := in.evaluate().Checks.Get(AuthorizeGranted)
	if want := `clearance authorize 'o'\''brien & sons'`; c.Remedy.Command != want {
		t.Errorf("%s, want %s", c.Remedy.Command, want)
	}
	in.f.Departure.Account.Identity, in.f.Departure.Account.ID = "--yes-to", "0123"
	c, _ = in.evaluate().Checks.Get(AuthorizeGranted)
	if want := "clearance authorize 0123"; c.Remedy.Command != want {
		t.Errorf("%s, want %s", c.Remedy.Command, want)
	}
}

func TestCountsThatCannotBe(t *testing.T) {
	for _, l := range []Listing{{Items: -1}, {Items: 5, Covered: -1}, {Items: math.MaxInt64, Covered: -1}, {Items: 5, Covered: 6, Failed: math.MinInt64}} {
		in := done()
		got := in.listing("cloud:photos")
		got.Items, got.Covered, got.Failed = l.Items, l.Covered, l.Failed
		if v := in.evaluate(); v.Ready || v.Release {
			t.Errorf("ready with %d items, %d in the copy, %d failed", l.Items, l.Covered, l.Failed)
		}
	}
	in := done()
	more := listed(Source{ID: "more", Dataset: Photos, Fate: Lost, Remote: true, OfAccount: true})
	for _, l := range []*Listing{&more, in.listing("cloud:photos")} {
		l.Items, l.Covered = math.MaxInt64, 0
	}
	in.f.Look.Listings = append(in.f.Look.Listings, more)
	if c, _ := in.evaluate().Checks.Get(BackupOf(Photos)); c.Status != Fail {
		t.Errorf("%s: the sum of what is missing wrapped around", c.Status)
	}
	for _, change := range []func(*Copy){func(c *Copy) { c.Damaged = -1 }, func(c *Copy) { c.Differs = -1 }, func(c *Copy) { c.Unread = -1 }} {
		in := done()
		change(&in.f.Look.Copy)
		if in.evaluate().Ready {
			t.Errorf("ready over %+v", in.f.Look.Copy)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 12: "12", 999: "999", 1000: "1,000", 1234567: "1,234,567", -5: "-5", -1234: "-1,234", -123456: "-123,456"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %s", n, got)
		}
	}
	if got := fmt.Sprint(counted(1, Photos), ", ", counted(1926, Notes)); got != "1 photo, 1,926 notes" {
		t.Error(got)
	}
}
