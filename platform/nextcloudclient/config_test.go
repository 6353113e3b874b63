package nextcloudclient

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/qsettings"
	"github.com/clearance-project/clearance/platform/xdg"
)

const two = `[General]
clientVersion=3.16.0

[Accounts]
version=13
0\url=https://cloud.example/sub
0\webflow_user=alice@mail.example
0\dav_user=alice
0\General\CaCertificates=@ByteArray()
0\serverColor=@Variant(\0\0\0\x43\x1)
0\Folders\1\localPath=/home/me/B\xfc\x63her/
0\Folders\1\targetPath=/
0\Folders\1\virtualFilesMode=off
0\FoldersWithPlaceholders\2\localPath="/home/me/a, b/"
0\FoldersWithPlaceholders\2\virtualFilesMode=suffix
0\FoldersWithPlaceholders\2\journalPath=../../etc/passwd
1\url=https://cloud.example:8443
1\http_user=bob
1\Multifolders\3\localPath=/home/me/bob
1\Multifolders\3\usePlaceholders=true
2\version=1
`

func TestParse(t *testing.T) {
	entries, err := qsettings.Parse([]byte(two))
	if err != nil {
		t.Fatal(err)
	}
	got, err := parse(entries)
	if err != nil {
		t.Fatal(err)
	}
	want := []account{
		{number: "0", url: "https://cloud.example/sub", user: "alice", login: "alice@mail.example", folders: []Folder{
			{Path: "/home/me/Bücher", Target: "/"}, {Path: "/home/me/a, b", Virtual: true}}},
		{number: "1", url: "https://cloud.example:8443", user: "bob", login: "bob", folders: []Folder{{Path: "/home/me/bob", Virtual: true}}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(account{}, program{}, Folder{}), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	want0 := binding.Server{Contacts: "https://cloud.example/sub/remote.php/dav/", Calendars: "https://cloud.example/sub/remote.php/dav/", Files: "https://cloud.example/sub/remote.php/dav/files/alice/"}
	if got := got[0].server(); got != want0 {
		t.Errorf("%+v", got)
	}
	if got[1].who().Identity() != "bob@cloud.example:8443" {
		t.Errorf("%+v", got[1].who())
	}
}

// TestFolders: every home is looked through, and what cannot be read to its end is
// an error, for a copy could lie in what stands behind.
func TestFolders(t *testing.T) {
	home := t.TempDir()
	dirs := xdg.Dirs{Home: home, Config: filepath.Join(home, ".config")}
	if got, err := Folders(dirs); err != nil || len(got) != 0 {
		t.Errorf("without a client: %v, %v", got, err)
	}
	write := func(at, text string) {
		t.Helper()
		at = filepath.Join(home, at)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	line := func(folder string) string { return "[Accounts]\n0\\Folders\\1\\localPath=" + folder + "\n" }
	write(".config/Nextcloud/nextcloud.cfg", "[Accounts]\ncert="+strings.Repeat("x", 200<<10)+"\n"+line("/home/me/own"))
	write(".config/ownCloud/owncloud.cfg", line("/home/me/old/"))
	write(".var/app/com.nextcloud.desktopclient.nextcloud/config/Nextcloud/nextcloud.cfg", line("/home/me/flat"))
	write("snap/nextcloud-desktop-client/current/.config/Nextcloud/nextcloud.cfg", "Folders\\1\\localpath=/home/me/snap\n")
	want := []string{"/home/me/own", "/home/me/old", "/home/me/flat", "/home/me/snap"} // The last as no client has it today.
	if got, err := Folders(dirs); err != nil || !cmp.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	for name, text := range map[string]string{
		"an escape that is none": line(`/home/me/\q`), "a relative folder": line("me"), "a file without end": "x=" + strings.Repeat("x", maxConfig),
		"not a configuration": "\x00\x01\x02", "another type": line(`@Variant(\0)`),
	} {
		write(".config/Nextcloud/nextcloud.cfg", text)
		if got, err := Folders(dirs); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestParseStatus(t *testing.T) {
	for line, want := range map[string][2]string{
		"STATUS:OK:/home/me/N": {"OK", "/home/me/N"}, "STATUS:SYNC+SWM:/home/me/N/": {"SYNC", "/home/me/N"}, "STATUS:OK:/a:b": {"OK", "/a:b"},
		"REGISTER_PATH:/home/me/N": {}, "STATUS:": {}, "STATUS::/x": {}, "": {},
	} {
		status, folder, ok := parseStatus(line)
		if ok != (want[0] != "") || ok && (status != want[0] || folder != want[1]) {
			t.Errorf("%q: %q %q %v", line, status, folder, ok)
		}
	}
}

// TestClientThatLies: a client that is not connected, hangs up, or answers for
// something else may be at work.
func TestClientThatLies(t *testing.T) {
	const folder = "/home/me/N"
	for name, c := range map[string]struct {
		answer string
		busy   bool
	}{
		"done":                {"REGISTER_PATH:/home/me/N\nSTATUS:OK:/home/me/N\n", false},
		"at work":             {"REGISTER_PATH:/home/me/N\nSTATUS:SYNC:/home/me/N\n", true},
		"not connected":       {"STATUS:OK:/home/me/N\n", true},
		"another folder":      {"REGISTER_PATH:/home/me/N\nSTATUS:OK:/home/me/M\n", true},
		"nothing":             {"", true},
		"a line without end":  {strings.Repeat("x", 1<<20), true},
		"noise and then done": {"REGISTER_PATH:/home/me/N\nx\nSTATUS:SYNC:/other\nSTATUS:OK:/home/me/N\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			runtime := t.TempDir()
			if err := os.Mkdir(filepath.Join(runtime, "Nextcloud"), 0o700); err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("unix", filepath.Join(runtime, "Nextcloud", "socket"))
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = bufio.NewReader(conn).ReadString('\n')
				_, _ = conn.Write([]byte(c.answer)) // The other end may have hung up.
				_ = conn.Close()
			}()
			cl, ok, err := dial(t.Context(), runtime, "Nextcloud")
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			a := account{program: programs[0], folders: []Folder{{Path: folder}}}
			if got := a.asked(t.Context(), cl); (got != "") != c.busy {
				t.Errorf("busy with %q, want %v", got, c.busy)
			}
			_ = cl.close()
			_ = l.Close()
			<-done
		})
	}
	if _, ok, err := dial(t.Context(), t.TempDir(), "Nextcloud"); ok || err != nil {
		t.Errorf("where none listens: %v, %v", ok, err)
	}
}

func TestAccountOf(t *testing.T) {
	for key, want := range map[string]account{
		"alice:https://cloud.example/:0":                        {login: "alice", user: "alice", url: "https://cloud.example", number: "0"},
		"alice_e2e-mnemonic:https://cloud.example:8443/sub/:12": {login: "alice", user: "alice", url: "https://cloud.example:8443/sub", number: "12"},
		"a@b.c_clientCaCertificatePEM3:http://x.example/:1":     {login: "a@b.c", user: "a@b.c", url: "http://x.example", number: "1"},
		"alice@cloud.example:443_proxy_password":                {},
		":https://cloud.example/:0":                             {},
		"alice:https:///:0":                                     {},
	} {
		got, ok := accountOf(key)
		if ok != (want.url != "") || ok && !cmp.Equal(got, want, cmp.AllowUnexported(account{}, program{})) {
			t.Errorf("%s: %+v, %v", key, got, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(two)
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := qsettings.Parse([]byte(text))
		if err != nil {
			return
		}
		accounts, err := parse(entries)
		if err != nil {
			return
		}
		p := &Place{}
		for _, a := range accounts {
			for _, folder := range a.folders {
				if !filepath.IsAbs(folder.Path) || folder.journal != "" && !filepath.IsLocal(folder.journal) {
					t.Errorf("%+v", folder)
				}
			}
			a.program = programs[0]
			back, err := p.parseID(p.id(a))
			if err != nil || back.login != a.login || back.url != a.url || back.number != a.number {
				t.Errorf("%+v came back as %+v, %v", a, back, err)
			}
		}
	})
}

func FuzzAnswers(f *testing.F) {
	f.Add("STATUS:SYNC+SWM:/home/me/N", "alice:https://cloud.example/:0")
	f.Fuzz(func(t *testing.T, line, key string) {
		if status, _, ok := parseStatus(line); ok && status == "" {
			t.Errorf("%q", line)
		}
		if a, ok := accountOf(key); ok && (a.login == "" || a.url == "") {
			t.Errorf("%q: %+v", key, a)
		}
	})
}
