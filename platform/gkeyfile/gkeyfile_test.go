package gkeyfile

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/platform/inifile"
)

const most = 1 << 20

func TestParse(t *testing.T) {
	for _, c := range []struct {
		data string
		want File
		bad  bool
	}{
		{"", File{}, false},
		{"# comment\n\n[A]\nk=v\nk[de]=w\n x = y \n", File{"A": {"k": "v", "x": "y "}}, false},
		{"[A]\nk=a\\sb\\nc\\td\\\\e\\\n", File{"A": {"k": "a b\nc\td\\e\\"}}, false},
		{"[A]\nk=1\n[B]\nk=2\n[A]\nk=3\r\n", File{"A": {"k": "3"}, "B": {"k": "2"}}, false},
		{"k=v\n[A]\nnonsense\n=v\n[B\nx=1\n", File{"A": {}}, true},
		{"[A]\nk=a=b\n", File{"A": {"k": "a=b"}}, false},
	} {
		got, err := Parse(c.data, most)
		if diff := cmp.Diff(c.want, got); diff != "" || errors.Is(err, ErrLines) != c.bad {
			t.Errorf("%q: %s %v", c.data, diff, err)
		}
	}
	for _, s := range []string{"plain", ` leading`, "a\nb\tc\\d", "ünï"} {
		kf, err := Parse("[A]\nk="+Escape(s)+"\n", most)
		if err != nil || kf["A"]["k"] != s {
			t.Errorf("%q became %q, %v", s, kf["A"]["k"], err)
		}
	}
	if _, err := Parse(strings.Repeat("x", most+1), most); !errors.Is(err, inifile.ErrTooLarge) {
		t.Error(err)
	}
}

func TestBool(t *testing.T) {
	f := File{"A": {"yes": "true ", "one": "1", "no": "false", "zero": "0", "odd": "True"}}
	for key, want := range map[string][2]bool{"yes": {true, true}, "one": {true, true}, "no": {}, "zero": {}, "odd": {true, false}, "none": {true, false}} {
		if got := [2]bool{f.Bool("A", key, true), f.Bool("A", key, false)}; got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
	if !f.Has("A") || f.Has("B") {
		t.Error("groups")
	}
}

// FuzzEscape: what is written is read back.
func FuzzEscape(f *testing.F) {
	f.Add(" a\\b\n\tc ")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Parse("[A]\nk="+Escape(s)+"\n", len(s)*2+10)
		if err != nil || got["A"]["k"] != s {
			t.Errorf("%q became %q, %v", s, got["A"]["k"], err)
		}
	})
}
