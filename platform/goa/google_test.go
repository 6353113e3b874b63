package goa

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// google stands in for Google's servers behind a proxy, for a goa-daemon that
// trusts its certificate alone. Sources: RFC 6749, section 6 (a token is
// refreshed), and goagoogleprovider.c of GOA 3.46 (token and user's address).
type google struct {
	proxy, certificate string
	listener           net.Listener
	done               sync.WaitGroup

	mu        sync.Mutex
	token     string // the one that is accepted
	refuse    bool   // what GOA wants to refresh with
	refreshed int
	conns     map[net.Conn]bool
}

// googleHosts are the servers that GOA asks of an account of Google's.
var googleHosts = []string{"oauth2.googleapis.com", "www.googleapis.com"}

func serveGoogle(t *testing.T, token string) *google {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	as := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Clearance test"}, DNSNames: googleHosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, as, as, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	g := &google{token: token, certificate: filepath.Join(t.TempDir(), "ca.pem"), conns: map[net.Conn]bool{}}
	if err := os.WriteFile(g.certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if g.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	g.proxy = "http://" + g.listener.Addr().String()
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	g.done.Go(func() {
		for {
			c, err := g.listener.Accept()
			if err != nil {
				return
			}
			g.mu.Lock()
			g.conns[c] = true
			g.mu.Unlock()
			g.done.Go(func() { g.tunnel(c, config) })
		}
	})
	t.Cleanup(g.close)
	return g
}

func (g *google) close() {
	_ = g.listener.Close()
	g.mu.Lock()
	for c := range g.conns {
		_ = c.Close()
	}
	g.mu.Unlock()
	g.done.Wait()
}

// tunnel answers what the proxy is asked for, in place of the server behind it.
func (g *google) tunnel(c net.Conn, config *tls.Config) {
	defer func() { _ = c.Close() }()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil || r.Method != http.MethodConnect {
		return
	}
	if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	inside := tls.Server(c, config)
	in := bufio.NewReader(inside)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		status, body := g.answer(r)
		if _, err := fmt.Fprintf(inside, "HTTP/1.1 %d x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body); err != nil {
			return
		}
	}
}

func (g *google) answer(r *http.Request) (status int, body string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch r.URL.Path {
	case "/token":
		if r.ParseForm() != nil || r.Form.Get("grant_type") != "refresh_token" || r.Form.Get("refresh_token") != "refresh-1" || g.refuse {
			return http.StatusBadRequest, `{"error":"invalid_grant"}`
		}
		g.refreshed++
		g.token = fmt.Sprintf("access-%d", g.refreshed)
		return http.StatusOK, fmt.Sprintf(`{"access_token":%q,"expires_in":3600,"token_type":"Bearer"}`, g.token)
	case "/oauth2/v2/userinfo":
		if r.URL.Query().Get("access_token") != g.token {
			return http.StatusUnauthorized, `{"error":{"code":401}}`
		}
		return http.StatusOK, `{"id":"1","email":"alice@gmail.com","verified_email":true}`
	}
	return http.StatusNotFound, `{}`
}

// set changes which token is accepted, and whether it is refreshed.
func (g *google) set(token string, refuse bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.token, g.refuse = token, refuse
}

func (g *google) refreshes() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refreshed
}

// trusted is where Debian's p11-kit has the certificates that GOA's TLS trusts.
const trusted = "/etc/ssl/certs/ca-certificates.crt"

// service is a folder with a D-Bus service of goa-daemon that trusts g alone: in a
// mount namespace of its own, and as the same user.
func (g *google) service(t *testing.T) string {
	t.Helper()
	inside := fmt.Sprintf("mount --bind %s %s && exec unshare --user --map-user=%d --map-group=%d", g.certificate, trusted, os.Getuid(), os.Getgid())
	if out, err := exec.CommandContext(t.Context(), "unshare", "--mount", "--map-root-user", "sh", "-c", inside+" true").CombinedOutput(); err != nil {
		t.Skipf("an unprivileged user cannot mount in a namespace here: %v: %s", err, out)
	}
	dir := t.TempDir()
	text := "[D-BUS Service]\nName=" + Service + "\nExec=/usr/bin/unshare --mount --map-root-user /bin/sh -c '" + inside + " /usr/libexec/goa-daemon'\n"
	if err := os.WriteFile(filepath.Join(dir, Service+".service"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
