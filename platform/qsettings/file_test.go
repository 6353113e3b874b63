package qsettings

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParse: a file as the Nextcloud client writes it.
func TestParse(t *testing.T) {
	got, err := Parse([]byte(`; a comment
[General]
clientVersion=3.7.3
[%General]
a%20b\%U041f=x

[Accounts]
version=2
0\url=https://cloud.example
0\Folders\1\localPath="/home/me/a, b"
0\cert=@ByteArray(----\n)
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{
		{[]string{"clientVersion"}, "3.7.3"},
		{[]string{"General", "a b", "П"}, "x"},
		{[]string{"Accounts", "version"}, "2"},
		{[]string{"Accounts", "0", "url"}, "https://cloud.example"},
		{[]string{"Accounts", "0", "Folders", "1", "localPath"}, `"/home/me/a, b"`},
		{[]string{"Accounts", "0", "cert"}, `@ByteArray(----\n)`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"[Accounts\n", "[A]\nno value\n", "[A]\na=b\\\nc\n", strings.Repeat("x", 1000)} {
		if got, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%.20q: %v", bad, got)
		}
	}
}

func TestText(t *testing.T) {
	for raw, want := range map[string]string{
		`alice`: "alice", `@@alice`: "@alice", `@ByteArray(alice)`: "alice", `@Invalid()`: "", `""`: "", `"a, b"`: "a, b",
	} {
		if got, err := Text(raw); err != nil || got != want {
			t.Errorf("%s: %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{`@Variant(\0\0)`, `"x`, "\xff"} {
		if got, err := Text(raw); err == nil {
			t.Errorf("%s: %q", raw, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[Accounts]\n0\\url=https://cloud.example\n")
	f.Add("[%General]\na%20%U0041=@ByteArray(x)\n")
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := Parse([]byte(text))
		if err != nil && entries != nil {
			t.Error("entries beside an error")
		}
		for _, e := range entries {
			if strings.Contains(e.Raw, "\n") {
				t.Errorf("%q holds a line end", e.Raw)
			}
		}
	})
}
