package kconfig

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGroup: what KConfig writes, and beside it what belongs to other groups.
func TestGroup(t *testing.T) {
	got, err := Group([]byte("# c\nroot=1\n[Other]\nbroken\n[A][B]\nk=sub\n[A]\nk=v=w\nPath[$e]=$HOME/a/${HOME}\nplain=$HOME\ne=\\sx\\t\\n\\r\\\\\\x41\\,\\;\n[A][$i]\nlast[$ei]=$HOME\n[A\nk=x\n"), "A", "/h")
	want := map[string]string{"k": "v=w", "Path": "/h/a//h", "plain": "$HOME", "e": " x\t\n\r\\A,;", "last": "/h"}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"[A]\nbroken\n", "[A]\nk=\\q\n", "[A]\nk=\\\n", "[A]\nk=\\x4\n", "[A]\nk=\\xzz\n", strings.Repeat("#", dialect.MaxBytes+1)} {
		if got, err := Group([]byte(bad), "A", "/h"); err == nil {
			t.Errorf("%.20q: %v", bad, got)
		}
	}
}

func FuzzGroup(f *testing.F) {
	f.Add([]byte("[General]\nPath[$e]=file://$HOME/a%20b\nX=\\x41\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got, err := Group(raw, "General", "/h"); err != nil && got != nil {
			t.Errorf("%v beside %v", got, err)
		}
	})
}
