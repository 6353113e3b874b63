package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

func TestArgumentsThatAreRefused(t *testing.T) {
	state := "--state-file=" + filepath.Join(t.TempDir(), "state")
	url := "--check-url=https://cloud.example/"
	for what, args := range map[string][]string{
		"flag":       {"--no-such-flag"},
		"unexpected": {"extra"},
		"check":      {"--provider=p", "--account=a", state},
		"https":      {"--provider=p", "--account=a", state, "--check-url=http://cloud.example/"},
		"uid":        {"--provider=p", "--account=a", state, url, "--owner-uid=-2"},
		"agent-uid":  {"--provider=p", "--account=a", state, url, "--agent-uid=4294967295"},
		"provider":   {"--account=a", state, url},
		"path":       {"--provider=p", "--account=a", "--state-file=state", url},
	} {
		if err := run(t.Context(), args); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v: %v, want a word of %q", args, err, what)
		}
	}
}

func TestTwoOfOneName(t *testing.T) {
	b := sessiontest.StartSystemBus(t, session.SystemOptions{})
	conn, err := b.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.RequestName("org.clearance.FindMyDevice1.One", 0); err != nil {
		t.Fatal(err)
	}
	err = run(t.Context(), []string{"--address", b.Address, "--vendor=One", "--provider=p", "--account=a",
		"--state-file", filepath.Join(t.TempDir(), "state"), "--check-url=https://cloud.example/"})
	if err == nil || !strings.Contains(err.Error(), "somebody else") {
		t.Errorf("a second service of one name: %v", err)
	}
}
