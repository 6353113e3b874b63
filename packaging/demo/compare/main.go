// Command compare is the demo's witness: it shares no code with Clearance and
// uses the standard library alone. It fetches everything that the account holds
// at its server and looks for each file's SHA-256 in the copy's manifest, and it
// looks for what is left of the account on this device.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	server := flag.String("server", "", "`URL` of the server, with a slash at its end")
	user := flag.String("user", "", "the account's `name`")
	passwordFile := flag.String("password-file", "", "`file` with the password")
	copied := flag.String("copy", "", "`folder` of the copy")
	config := flag.String("config", "", "the person's XDG_CONFIG_HOME")
	flag.Parse()
	if err := run(*server, *user, *passwordFile, *copied, *config); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(server, user, passwordFile, copied, config string) error {
	password, err := os.ReadFile(passwordFile)
	if err != nil {
		return err
	}
	have, err := manifest(filepath.Join(copied, "manifest-sha256.txt"))
	if err != nil {
		return err
	}
	w := &witness{user: user, password: strings.TrimRight(string(password), "\n"), have: have, seen: make(map[string]bool),
		client: &http.Client{Timeout: 30 * time.Second}}
	for _, root := range []string{"remote.php/webdav/", "remote.php/carddav/", "remote.php/caldav/"} {
		if err := w.walk(server + root); err != nil {
			return err
		}
	}
	if len(w.lost) > 0 {
		return fmt.Errorf("%d of %d items at the server are not in the copy, the first is %s", len(w.lost), w.items, w.lost[0])
	}
	if w.items == 0 {
		return errors.New("the server shows nothing at all")
	}
	fmt.Printf("server: all %d items that it holds are in the copy, byte for byte\n", w.items)
	if err := device(user, config); err != nil {
		return err
	}
	fmt.Println("device: the account is in neither the list of accounts nor the keyring")
	return nil
}

// manifest reads the sums of a BagIt manifest (RFC 8493, 2.1.3).
func manifest(path string) (map[string]bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	have := make(map[string]bool)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		sum, _, ok := strings.Cut(lines.Text(), " ")
		if !ok || len(sum) != 64 {
			return nil, fmt.Errorf("%s has a line that is none: %q", path, lines.Text())
		}
		have[sum] = true
	}
	return have, lines.Err()
}

type witness struct {
	client         *http.Client
	user, password string
	have, seen     map[string]bool
	items          int
	lost           []string
}

type multistatus struct {
	Responses []struct {
		Href       string    `xml:"DAV: href"`
		Collection *struct{} `xml:"DAV: propstat>prop>resourcetype>collection"`
		Principal  *struct{} `xml:"DAV: propstat>prop>resourcetype>principal"`
	} `xml:"DAV: response"`
}

// walk goes through a folder of the server (RFC 4918, 9.1, depth 1).
func (w *witness) walk(at string) error {
	if w.seen[at] {
		return nil
	}
	w.seen[at] = true
	body, err := w.ask("PROPFIND", at)
	if err != nil {
		return err
	}
	var ms multistatus
	if err := xml.Unmarshal(body, &ms); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	base, err := url.Parse(at)
	if err != nil {
		return err
	}
	for _, r := range ms.Responses {
		ref, err := base.Parse(r.Href)
		if err != nil || ref.Host != base.Host {
			return fmt.Errorf("%s leads elsewhere: %s", at, r.Href)
		}
		to := ref.String()
		if strings.TrimSuffix(to, "/") == strings.TrimSuffix(at, "/") || w.seen[to] {
			continue
		}
		switch {
		case r.Principal != nil: // a person, nothing that is kept
			w.seen[to] = true
		case r.Collection != nil:
			err = w.walk(to)
		default:
			w.seen[to] = true
			err = w.check(to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *witness) check(at string) error {
	body, err := w.ask("GET", at)
	if err != nil {
		return err
	}
	w.items++
	sum := sha256.Sum256(body)
	if !w.have[hex.EncodeToString(sum[:])] {
		w.lost = append(w.lost, at)
	}
	return nil
}

func (w *witness) ask(method, at string) (body []byte, err error) {
	req, err := http.NewRequest(method, at, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(w.user, w.password)
	req.Header.Set("Depth", "1")
	res, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusMultiStatus {
		return nil, fmt.Errorf("%s %s: %s", method, at, res.Status)
	}
	return io.ReadAll(io.LimitReader(res.Body, 1<<30))
}

// device looks for what is left of the account here.
func device(user, config string) error {
	accounts, err := os.ReadFile(filepath.Join(config, "goa-1.0", "accounts.conf"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if strings.Contains(string(accounts), "Identity="+user) {
		return errors.New("the account still stands in accounts.conf")
	}
	out, err := exec.Command("secret-tool", "search", "--all", "xdg:schema", "org.gnome.OnlineAccounts").CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	if strings.Contains(string(out), "goa-identity") {
		return errors.New("a password of an account is still in the keyring")
	}
	return nil
}
