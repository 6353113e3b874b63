package tasks

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

// radicale starts a real Radicale with an address book of alice, and gives the
// book's address and the folder in which it keeps the cards.
func radicale(t *testing.T) (book, folder string) {
	t.Helper()
	sessiontest.Need(t, "radicale", "radicale")
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "users"), []byte("alice:"+password+"\n"), 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().String()
	must(t, l.Close())
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "radicale", "--config", "", "--server-hosts", addr,
		"--auth-type", "htpasswd", "--auth-htpasswd-filename", filepath.Join(dir, "users"), "--auth-htpasswd-encryption", "plain",
		"--auth-delay", "0", "--storage-filesystem-folder", filepath.Join(dir, "data"), "--logging-level", "warning")
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	eventually(t, "radicale listens", func() bool {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	book = "http://" + addr + "/alice/book/"
	if code, _ := request(t, "MKCOL", book, `<?xml version="1.0"?><mkcol xmlns="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype><collection/><CR:addressbook/></resourcetype><displayname>Book</displayname></prop></set></mkcol>`); code != http.StatusCreated {
		t.Fatalf("the book: %d", code)
	}
	return book, filepath.Join(dir, "data", "collection-root", "alice", "book")
}

func request(t *testing.T, method, at, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, at, strings.NewReader(body))
	must(t, err)
	req.SetBasicAuth("alice", password)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, string(text)
}

func TestContactsGoToARealServerOnceAndReplaceNothing(t *testing.T) {
	d := copied(t)
	book, folder := radicale(t)
	const mine = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:contact-00003\r\nFN:Somebody else\r\nN:else;Somebody;;;\r\nEND:VCARD\r\n"
	if code, _ := request(t, "PUT", book+"mine.vcf", mine); code != http.StatusCreated {
		t.Fatalf("a contact of the person's: %d", code)
	}
	req := engine.RestoreRequest{To: engine.RestoreTarget{Kind: engine.ToCardDAV, URL: book, User: "alice", Password: password}, DryRun: true}
	foretold := d.restore(req)
	req.DryRun = false
	first := d.restore(req)
	if first.Outcome != engine.RestoreComplete || sum(first, written) != sum(foretold, written) || sum(first, written) < 25 {
		t.Fatalf("foretold %+v, was %+v %+v", foretold.Sets, first.Sets, first.Failed)
	}
	files, err := filepath.Glob(folder + "/*.vcf")
	must(t, err)
	if again := d.restore(req); sum(again, written) != 0 || again.Outcome != engine.RestoreComplete {
		t.Errorf("again: %+v", again.Sets)
	}
	after, err := filepath.Glob(folder + "/*.vcf")
	must(t, err)
	if len(files) != 26 || len(after) != 26 {
		t.Errorf("%d, then %d contacts at the server", len(files), len(after))
	}
	if _, text := request(t, "GET", book+"mine.vcf", ""); !strings.Contains(text, "Somebody else") {
		t.Errorf("the person's own became %q", text)
	}
	req.To.Password = "wrong"
	_, err = d.Restore(t.Context(), engine.RestoreTask{RestoreRequest: req, Known: []engine.KnownCopy{{Account: d.job.Departure.Account, Destination: d.job.Destination}}}, quiet)
	var blocked *engine.BlockedError
	if !errors.As(err, &blocked) || blocked.Why.Code != "unauthorized" {
		t.Errorf("a wrong password: %v", err)
	}
	req.To.URL = "http://dav.example.org/book"
	_, err = d.Restore(t.Context(), engine.RestoreTask{RestoreRequest: req, Known: []engine.KnownCopy{{Account: d.job.Departure.Account, Destination: d.job.Destination}}}, quiet)
	var refused *engine.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, "in the clear") {
		t.Errorf("a server without TLS: %v", err)
	}
}
