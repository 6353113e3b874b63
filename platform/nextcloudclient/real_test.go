package nextcloudclient

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func TestMain(m *testing.M) {
	sessiontest.Main(m, func() error { return goleak.Find() })
}

// desk is a session in which the real clients run.
type desk struct {
	*sessiontest.Session
	t     *testing.T
	ctx   context.Context
	place *Place
	local string
}

func start(t *testing.T, keyring session.KeyringState) *desk {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	s := sessiontest.Start(t, session.Options{Keyring: keyring, Services: []string{},
		Env: []string{"QT_QPA_PLATFORM=offscreen", "QT_QUICK_BACKEND=software"}})
	b, err := bus.Open(ctx, bus.Options{Address: s.BusAddress})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	d := &desk{Session: s, t: t, ctx: ctx, local: filepath.Join(s.Home, "Nextcloud")}
	d.place = New(xdg.Dirs{Home: s.Home, Config: s.ConfigHome, Data: s.DataHome, Cache: s.CacheHome, Runtime: s.RuntimeDir}, secrets.New(b))
	d.must(os.Mkdir(d.local, 0o700))
	return d
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// configure writes the client's configuration, as version 3.7.3 does.
func (d *desk) configure(lines ...string) {
	d.t.Helper()
	at := filepath.Join(d.ConfigHome, "Nextcloud")
	d.must(os.MkdirAll(at, 0o700))
	text := "[General]\nclientVersion=3.7.3\nisVfsEnabled=false\n\n[Accounts]\nversion=2\n" + strings.Join(lines, "\n") + "\n"
	d.must(os.WriteFile(filepath.Join(at, "nextcloud.cfg"), []byte(text), 0o600))
}

func (d *desk) account(url string) []string {
	return []string{`0\version=1`, `0\url=` + url, `0\authType=webflow`, `0\dav_user=alice`, `0\webflow_user=alice`, `0\user=@Invalid()`,
		`0\Folders\1\version=2`, `0\Folders\1\localPath=` + d.local + "/", `0\Folders\1\targetPath=/`, `0\Folders\1\paused=false`,
		`0\Folders\1\journalPath=.sync_x.db`, `0\Folders\1\virtualFilesMode=off`}
}

// keep stores a secret as qtkeychain does.
func (d *desk) keep(user string) {
	d.t.Helper()
	sessiontest.Need(d.t, "secret-tool", "libsecret-tools")
	put := d.Command(d.ctx, "secret-tool", "store", "--label=Nextcloud", "xdg:schema", schema, "server", "Nextcloud", "user", user, "type", "plaintext")
	put.Stdin = strings.NewReader("hunter2")
	if out, err := put.CombinedOutput(); err != nil {
		d.t.Fatalf("%v: %s", err, out)
	}
}

// entry waits until the one entry is as wanted.
func (d *desk) entry(wanted string, is func(binding.Entry) bool) binding.Entry {
	d.t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		entries, err := d.place.Entries(d.ctx)
		d.must(err)
		if len(entries) == 1 && is(entries[0]) {
			return entries[0]
		}
		select {
		case <-ticker.C:
		case <-d.ctx.Done():
			d.t.Fatalf("never %s: %+v", wanted, entries)
		}
	}
}

// launch starts a program of the session; stop ends it and waits for its end.
func (d *desk) launch(name string, args ...string) (stop func()) {
	d.t.Helper()
	cmd := d.Command(d.ctx, name, args...)
	d.must(cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // It is killed, and says so.
	}()
	var stopped bool
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Kill() // It may have ended by itself.
			<-ended
		}
	}
	d.t.Cleanup(stop)
	return stop
}

func put(t *testing.T, a *davtest.Account, name string) {
	t.Helper()
	if _, err := a.PutFile(name, []byte("hello "+name)); err != nil {
		t.Fatal(err)
	}
}

func arrives(t *testing.T, ctx context.Context, f *davtest.Injected) {
	t.Helper()
	select {
	case <-f.Arrived():
	case <-ctx.Done():
		t.Fatal("the client never came for the file")
	}
}

func isNextcloud(e binding.Entry) bool {
	return e.Who == binding.Who{Type: "nextcloud", User: "alice", Host: e.Who.Host}
}

// TestRunningClient: the real client is asked whether it is at work.
func TestRunningClient(t *testing.T) {
	sessiontest.Need(t, "nextcloud", "nextcloud-desktop")
	d := start(t, session.KeyringUnlocked)
	server, alice, url := cloud(t)
	put(t, alice, "a.txt")
	d.configure(d.account(url)...)
	d.keep("alice:" + url + "/:0")
	stop := d.launch("nextcloud", "--background")
	e := d.entry("in step", func(e binding.Entry) bool {
		_, err := os.Stat(filepath.Join(d.local, "a.txt"))
		return err == nil && e.Busy == ""
	})
	if !isNextcloud(e) || !e.Guided || !e.Carries || e.Leftover || e.Blocked == nil || !strings.Contains(e.Blocked.Text, "Remove connection") ||
		len(e.Folders) != 1 || e.Folders[0] != d.local {
		t.Errorf("%+v", e)
	}
	held := server.Inject(davtest.Fault{Method: "GET", Path: "/remote.php/dav/files/alice/b.txt", Hold: true})
	put(t, alice, "b.txt")
	d.must(os.WriteFile(filepath.Join(d.local, "c.txt"), []byte("wakes the client"), 0o600))
	arrives(t, d.ctx, held)
	d.entry("at work", func(e binding.Entry) bool { return strings.Contains(e.Busy, "being brought into step") })
	stop()
	d.entry("cut off", func(e binding.Entry) bool { return strings.Contains(e.Busy, "not finished") })
	held.Release()
}

// TestJournal: what the real command line client leaves in a folder's journal,
// while it runs, after it was killed and after it came to its end.
func TestJournal(t *testing.T) {
	sessiontest.Need(t, "nextcloudcmd", "nextcloud-desktop-cmd")
	d := start(t, session.KeyringNone)
	server, alice, url := cloud(t)
	put(t, alice, "a.txt")
	put(t, alice, "sub/b.txt")
	args := []string{"--non-interactive", "-u", "alice", "-p", "hunter2", d.local, url}
	d.configure(`0\url=`+url, `0\dav_user=alice`, `0\Folders\1\localPath=`+d.local)
	held := server.Inject(davtest.Fault{Method: "GET", Path: "/remote.php/dav/files/alice/a.txt", Hold: true})
	stop := d.launch("nextcloudcmd", args...)
	arrives(t, d.ctx, held)
	if e := d.entry("there", isNextcloud); !strings.Contains(e.Busy, "being brought into step") {
		t.Errorf("while the client runs: %+v", e)
	}
	stop()
	if e := d.entry("there", isNextcloud); !strings.Contains(e.Busy, "not finished") {
		t.Errorf("after it was killed: %+v", e)
	}
	held.Release()
	if out, err := d.Command(d.ctx, "nextcloudcmd", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if e := d.entry("there", isNextcloud); e.Busy != "" {
		t.Errorf("after it came to its end: %+v", e)
	}
	j, err := readJournal(d.ctx, Folder{Path: d.local})
	if want := (journal{known: true, files: 2}); err != nil || j != want {
		t.Errorf("journal %+v, %v, want %+v", j, err, want)
	}
}

// TestReadBack: what is left of an account that the client lists no more.
func TestReadBack(t *testing.T) {
	d := start(t, session.KeyringUnlocked)
	const url = "https://cloud.example"
	d.configure(d.account(url)...)
	d.keep("alice:" + url + "/:0")
	d.keep("alice_e2e-mnemonic:" + url + "/:0")
	cookies := filepath.Join(d.ConfigHome, "Nextcloud", "cookies0.db")
	d.must(os.WriteFile(cookies, nil, 0o600))
	id := d.entry("there", isNextcloud).ID
	left := func() string {
		t.Helper()
		found, err := d.place.ReadBack(d.ctx, id)
		d.must(err)
		var places []string
		for _, l := range found {
			places = append(places, fmt.Sprintf("%s %t", l.Where, l.Locked))
		}
		return strings.Join(places, ", ")
	}
	if got := left(); got != "list of accounts false, keyring false, keyring false" {
		t.Errorf("while it is there: %s", got)
	}
	d.configure()
	if got := left(); got != "cookies false, keyring false, keyring false" {
		t.Errorf("with cookies and passwords left: %s", got)
	}
	e := d.entry("left over", func(e binding.Entry) bool { return e.Leftover })
	if !isNextcloud(e) || !e.Guided || e.ID != id {
		t.Errorf("left over: %+v, want the id %s", e, id)
	}
	d.must(os.Remove(cookies))
	d.must(d.LockKeyring(d.ctx))
	if got := left(); got != "keyring true, keyring true" {
		t.Errorf("with the keyring locked: %s", got)
	}
	d.must(d.UnlockKeyring(d.ctx))
	d.clear(d.Command(d.ctx, "secret-tool", "clear", "server", "Nextcloud"))
	if got := left(); got != "" {
		t.Errorf("with all gone: %s", got)
	}
	if entries, err := d.place.Entries(d.ctx); err != nil || len(entries) != 0 {
		t.Errorf("with all gone: %+v, %v", entries, err)
	}
	wallet, err := os.ReadFile("../kwallet/testdata/kdewallet.kwl")
	d.must(err)
	d.must(os.MkdirAll(filepath.Join(d.DataHome, "kwalletd"), 0o700))
	d.must(os.WriteFile(filepath.Join(d.DataHome, "kwalletd", "kdewallet.kwl"), wallet, 0o600))
	if got := left(); got != "wallet false" {
		t.Errorf("with the password in KDE's wallet: %s", got)
	}
	if err := d.place.Remove(d.ctx, id); err == nil {
		t.Error("removed what only the person can")
	}
}

func (d *desk) clear(cmd *exec.Cmd) {
	d.t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%v: %s", err, out)
	}
}
