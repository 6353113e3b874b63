package dav

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// radicale starts a real Radicale on loopback, behind a proxy where it gets a
// prefix, with one address book and one calendar of alice.
func radicale(t *testing.T, prefix string) realm {
	t.Helper()
	program, err := exec.LookPath("radicale")
	if err != nil {
		t.Skip("radicale is not installed")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "users"), []byte("alice:x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "--config", "", "--server-hosts", addr,
		"--auth-type", "htpasswd", "--auth-htpasswd-filename", filepath.Join(dir, "users"), "--auth-htpasswd-encryption", "plain",
		"--auth-delay", "0", "--storage-filesystem-folder", filepath.Join(dir, "data"), "--logging-level", "warning")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			cancel()
			_ = cmd.Wait() // it was killed
		}
	}
	t.Cleanup(stop)
	reach(t, addr)

	base := "http://" + addr
	if prefix != "" {
		base = proxied(t, base, prefix)
	}
	create(t, base+"/alice/book/", `<resourcetype><collection/><CR:addressbook/></resourcetype><displayname>Book</displayname>`)
	create(t, base+"/alice/days/", `<resourcetype><collection/><C:calendar/></resourcetype><displayname>Days</displayname>`+
		`<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>`)
	create(t, base+"/alice/tasks/", `<resourcetype><collection/><C:calendar/></resourcetype><displayname>Tasks</displayname>`+
		`<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>`)
	r := realm{calendar: true, config: Config{Contacts: base + "/", Calendars: base + "/",
		Credentials: Credentials{User: "alice", Password: NewSecret("x")}}}
	if prefix == "" {
		r.die = stop
	}
	return r
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// reach waits until something listens.
func reach(t *testing.T, addr string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(30 * time.Second)
	for {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("nothing listens at %s: %v", addr, err)
		}
	}
}

// proxied puts a server below a prefix, as Radicale's documentation asks:
// X-Script-Name says so.
func proxied(t *testing.T, target, prefix string) string {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
		r.Out.Header.Set("X-Script-Name", prefix)
	}}
	s := httptest.NewServer(http.StripPrefix(prefix, proxy))
	t.Cleanup(func() { s.Close(); transport.CloseIdleConnections() })
	return s.URL + (&url.URL{Path: prefix}).EscapedPath()
}

func create(t *testing.T, at, props string) {
	t.Helper()
	body := `<?xml version="1.0"?><mkcol xmlns="DAV:" xmlns:C="` + nsCal + `" xmlns:CR="` + nsCard + `"><set><prop>` + props + `</prop></set></mkcol>`
	req, err := http.NewRequestWithContext(deadline(t), "MKCOL", at, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("alice", "x")
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatal(fmt.Errorf("MKCOL %s: %s", at, resp.Status))
	}
}
