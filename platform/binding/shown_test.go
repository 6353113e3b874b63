package binding_test

import (
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
)

func TestShown(t *testing.T) {
	command := departure.Remedy{Text: "run\x1b[2J it\n", Command: "rclone config delete 'a\x1b'"}
	e := binding.Entry{Name: "ali\u202ece\r\n", Account: strings.Repeat("ü", 1000), Blocked: &command, Goes: []departure.Vanishing{{What: "book", Name: "\x00Work"}}}
	got := e.Shown()
	if got.Name != "alice" || len(got.Account) != 1000 || got.Blocked.Text != "run[2J it" || got.Blocked.Command != "" || got.Goes[0].Name != "Work" {
		t.Errorf("%+v, %+v", got, got.Blocked)
	}
	if e.Goes[0].Name != "\x00Work" || command.Command == "" {
		t.Error("what was given changed")
	}
	if h := (binding.Hint{Hint: departure.Hint{Text: "a\tb", Remedy: departure.Remedy{Command: "true"}}}).Shown(); h.Hint.Text != "ab" || h.Hint.Remedy.Command != "true" {
		t.Errorf("%+v", h)
	}
}
