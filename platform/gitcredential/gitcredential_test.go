package gitcredential

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func TestMain(m *testing.M) { sessiontest.Main(m) }

// desk is a home in which the real git stores and erases.
type desk struct {
	t     *testing.T
	home  string
	place *Place
}

func start(t *testing.T) *desk {
	t.Helper()
	sessiontest.Need(t, "git", "git")
	home := t.TempDir()
	return &desk{t: t, home: home, place: New(xdg.Dirs{Home: home, Config: filepath.Join(home, ".config")})}
}

// run runs a command line, with git's answer.
func (d *desk) run(line, input string) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), "sh", "-c", line)
	cmd.Env = []string{"HOME=" + d.home, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1"}
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%s: %v: %s", line, err, out)
	}
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.home, name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func TestContractBindings(t *testing.T) {
	t.Run("git-credential", func(t *testing.T) { bindingtest.Run(t, rig) })
}

func rig(t *testing.T) *bindingtest.Rig {
	d := start(t)
	return &bindingtest.Rig{
		Place: d.place, Secrets: []string{"hunter2"}, SameID: true,
		Who:      binding.Who{Type: "https", User: "alice", Host: "cloud.example:8443"},
		OtherWho: binding.Who{Type: "https", User: "bob", Host: "other.example", AnyPort: true},
		SignIn: func(context.Context, *testing.T) {
			d.run("git credential-store store", "protocol=https\nhost=cloud.example:8443\nusername=alice\npassword=hunter2\n")
		},
		Other: func(context.Context, *testing.T) { d.write(".netrc", "machine other.example login bob password x\n") },
		ByHand: func(ctx context.Context, t *testing.T) {
			entries, err := d.place.Entries(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if e.Who.User == "alice" {
					d.run(e.Blocked.Command, "") // What the person is told to run.
				}
			}
		},
		Break: func(context.Context, *testing.T) { d.write(".git-credentials", strings.Repeat("x", maxLine+1)) },
		Flood: func(context.Context, *testing.T) {
			var b strings.Builder
			for i := range maxItems + 1 {
				fmt.Fprintf(&b, "https://u%d:x@cloud.example\n", i)
			}
			d.write(".git-credentials", b.String())
		},
	}
}

func TestParse(t *testing.T) {
	got, err := parseStore(strings.NewReader("https://alice%40mail.example:hu%3Anter2@Cloud.example/a/b.git\n\nnothing\nhttps://cloud.example\nhttps://bob@cloud.example\n"))
	want := []credential{{"https", "alice@mail.example", "cloud.example", "Cloud.example/a/b.git"}, {"https", "bob", "cloud.example", "cloud.example"}}
	if err != nil || !cmp.Equal(got, want, cmp.AllowUnexported(credential{})) {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = parseNetrc(strings.NewReader("# machine no.example login x\nmachine cloud.example\n login \"alice\"\n password machine\nmacdef init\nmachine macro.example login m\n\n" +
		"machine other.example password x default login anonymous\n"))
	want = []credential{{"https", "alice", "cloud.example", "cloud.example"}, {"https", "", "other.example", "other.example"}}
	if err != nil || !cmp.Equal(got, want, cmp.AllowUnexported(credential{})) {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestCommand: what a shell or printf would take for something else is never part
// of a command that is shown.
func TestCommand(t *testing.T) {
	d := start(t)
	d.write(".git-credentials", "https://alice:x@cloud.example/a%20b\nhttps://al%27;rm%20-rf%20~:x@cloud.example\nhttps://al%25s:x@cloud.example\nhttps://fine:x@cloud.example/a.git\n")
	entries, err := d.place.Entries(t.Context())
	if err != nil || len(entries) != 4 {
		t.Fatalf("%+v, %v", entries, err)
	}
	for _, e := range entries {
		if (e.Blocked.Command != "") != (e.Who.User == "fine") {
			t.Errorf("%+v", e.Blocked)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("https://alice:x@cloud.example/a.git\nmachine cloud.example login alice password x")
	f.Fuzz(func(t *testing.T, text string) {
		store, _ := parseStore(strings.NewReader(text))
		netrc, _ := parseNetrc(strings.NewReader(text))
		p := &Place{}
		for _, c := range append(store, netrc...) {
			if e := p.entry(stores0, c); strings.Count(e.Blocked.Command, "'") > 2 || strings.ContainsAny(e.Blocked.Command, "$`;%\"&") {
				t.Errorf("%q", e.Blocked.Command)
			}
		}
	})
}

var stores0 = store{at: "/home/me/.git-credentials"}
