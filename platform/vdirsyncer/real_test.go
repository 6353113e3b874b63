package vdirsyncer

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset/datasettest"
)

// radicale starts a real Radicale on loopback that lets alice in.
func radicale(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	datasettest.Write(t, filepath.Join(dir, "users"), "alice:x\n")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close() // it is only asked for a free port
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "radicale", "--config", "", "--server-hosts", addr, "--auth-type", "htpasswd",
		"--auth-htpasswd-filename", filepath.Join(dir, "users"), "--auth-htpasswd-encryption", "plain", "--auth-delay", "0",
		"--storage-filesystem-folder", filepath.Join(dir, "data"), "--logging-level", "critical")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	deadline, tick := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return addr
		}
		select {
		case <-deadline:
			t.Fatal("radicale does not listen")
		case <-tick.C:
		}
	}
}

func ask(t *testing.T, method, address, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("alice", "x")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		why, _ := io.ReadAll(res.Body)
		t.Fatalf("%s %s: %s %s", method, address, res.Status, why)
	}
}

// TestWhatTheRealProgramSynced: vdirsyncer takes contacts from a server, and each
// is found, as of alice there.
func TestWhatTheRealProgramSynced(t *testing.T) {
	for _, program := range []string{"vdirsyncer", "radicale"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	addr := radicale(t)
	book := "http://" + addr + "/alice/book/"
	ask(t, "MKCOL", book, `<mkcol xmlns="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype><collection/><CR:addressbook/></resourcetype></prop></set></mkcol>`)
	for i := range 5 {
		ask(t, "PUT", fmt.Sprintf("%s%d.vcf", book, i), fmt.Sprintf("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u%d\r\nFN:Name %d\r\nN:%d;;;;\r\nEND:VCARD\r\n", i, i, i))
	}
	home := t.TempDir()
	conf := filepath.Join(home, ".config/vdirsyncer/config")
	datasettest.Write(t, conf, fmt.Sprintf(`[general]
status_path = %q

[pair contacts]
a = "local"
b = "remote"
collections = ["book"]

[storage local]
type = "filesystem"
path = %q
fileext = ".vcf"

[storage remote]
type = "carddav"
url = "http://%s/"
username = "alice"
password = "x"
`, filepath.Join(home, "status"), filepath.Join(home, "contacts"), addr))
	for _, verb := range []string{"discover", "sync"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, "vdirsyncer", verb)
		cmd.Env = append(os.Environ(), "HOME="+home, "VDIRSYNCER_CONFIG="+conf, "LC_ALL=C.UTF-8")
		cmd.Stdin = strings.NewReader(strings.Repeat("y\n", 10))
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			t.Fatalf("%s: %v\n%s", verb, err, out)
		}
	}
	stores, err := New(dirs(home)).Find(t.Context())
	if err != nil || len(stores) != 1 {
		t.Fatalf("found %+v, %v", stores, err)
	}
	s := stores[0]
	defer func() { _ = s.Close() }()
	if s.Who.Identity() != "alice@"+addr || s.Goes {
		t.Errorf("it is of %+v, and goes: %v", s.Who, s.Goes)
	}
	n := 0
	for it, err := range s.List(t.Context(), source.Ref{Source: string(s.ID)}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		f, _, err := it.File.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(f)
		_ = f.Close()
		if card := source.ParseVCard(raw); err != nil || card.Err != nil || !strings.HasPrefix(card.UID, "u") {
			t.Errorf("%s: %v %+v", it.ID, err, card)
		}
		n++
	}
	if n != 5 {
		t.Errorf("%d contacts", n)
	}
}
