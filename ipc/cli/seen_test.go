package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

// TestSeenInFull: a server that cannot tell by itself whether something changed is
// told with the time until when the last look at it holds; any other is not.
func TestSeenInFull(t *testing.T) {
	var info agent.DepartureInfo
	for code, told := range map[string]bool{"seen": false, "seen-in-full": true} {
		var out bytes.Buffer
		info.Verdict.Checks = departure.Checks{{ID: departure.ServerSeen, Status: departure.Pass,
			Reason: departure.Reason{Code: code, Text: "the server was looked at in full at 21:04, and this holds until 21:14"}}}
		s := &session{out: &out}
		s.showSeen(info)
		if strings.Contains(out.String(), "until 21:14") != told {
			t.Errorf("%s: %q", code, out.String())
		}
	}
}

// TestSharedIsSaidToStay: what others share is shown in the plan with its count,
// and that it is not copied.
func TestSharedIsSaidToStay(t *testing.T) {
	var out bytes.Buffer
	s := &session{out: &out}
	s.showSources(agent.PlanClass{Dataset: departure.Files, Sources: []departure.Listing{
		{Source: departure.Source{Name: "files at the server", Remote: true, Dataset: departure.Files}, Complete: true, Items: 4},
		{Source: departure.Source{Name: "files at the server, shared with you by bob", Remote: true, Fate: departure.Stays, SharedBy: "bob", Dataset: departure.Files}, Complete: true, Items: 8},
		{Source: departure.Source{ID: "work", Name: "Work (Thunderbird)", Fate: departure.Leaves, Dataset: departure.Contacts}, Complete: true, Items: 5},
	}}, []departure.SourceID{"work"})
	text := strings.Join(strings.Fields(out.String()), " ")
	if !strings.Contains(text, "shared with you by bob: 8 other files, stays with its owner") || strings.Contains(text, ": 4 other files") ||
		strings.Count(text, "leaves this device with the account, and is only in your copy then") != 1 {
		t.Errorf("it says %q", text)
	}
}

// TestOnlyInTheCopyInShort: the beginning of a walk names what no book of this
// device's own takes, and nothing where there is none.
func TestOnlyInTheCopyInShort(t *testing.T) {
	plan := &agent.PlanReport{Classes: []agent.PlanClass{{Dataset: departure.Contacts, Sources: []departure.Listing{
		{Source: departure.Source{ID: "work", Name: "Work (Thunderbird)"}}, {Source: departure.Source{ID: "own", Name: "Own"}}}}}}
	for _, ids := range [][]departure.SourceID{{"work"}, nil} {
		var out bytes.Buffer
		plan.CopyOnly = ids
		(&session{out: &out}).showKindsInShort(plan)
		if strings.Contains(out.String(), "Only in your copy afterwards: Work (Thunderbird).\n") != (ids != nil) || strings.Contains(out.String(), "Own") {
			t.Errorf("%v: %q", ids, out.String())
		}
	}
}

// TestOnlyYouCanRemoveItAndNotYet: what only the person can remove is shown in the
// plan as something to leave alone for now.
func TestOnlyYouCanRemoveItAndNotYet(t *testing.T) {
	remedy := &departure.Remedy{Code: departure.ByHand, Text: "open the Address Book, right-click Work and choose Delete"}
	const notYet = "Not yet: leave it as it is until Clearance says so."
	for name, c := range map[string]struct {
		binding departure.Binding
		early   bool
	}{
		"signed in":         {departure.Binding{Name: "Thunderbird", State: departure.BindingPresent, Guided: true, Blocked: remedy}, true},
		"perhaps signed in": {departure.Binding{Name: "Thunderbird", Blocked: remedy}, true},
		"left behind":       {departure.Binding{Name: "Thunderbird", State: departure.BindingLeftover, Guided: true, Blocked: remedy}, false},
		"a transfer":        {departure.Binding{Name: "Thunderbird", State: departure.BindingPresent, Guided: true, Blocked: &departure.Remedy{Code: "wait", Text: remedy.Text}}, false},
	} {
		var out bytes.Buffer
		(&session{out: &out}).showSignIn(c.binding)
		text := strings.Join(strings.Fields(out.String()), " ")
		if strings.Contains(text, notYet) != c.early || !strings.Contains(text, remedy.Text) {
			t.Errorf("%s: %q", name, text)
		}
	}
}
