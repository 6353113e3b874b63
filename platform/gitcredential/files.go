package gitcredential

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/xdg"
)

// The limits of one file.
const (
	maxLine  = 1 << 20
	maxFile  = 16 << 20
	maxItems = 5000
)

// credential is a password that stands in a file, without itself.
type credential struct {
	scheme, user, host string
	address            string // as it stands there, without the password
}

// read reads one file, which need not be there.
func read(at string, parse func(io.Reader) ([]credential, error)) ([]credential, error) {
	raw, err := xdg.ReadIfThere(at, maxFile)
	if err != nil {
		return nil, err
	}
	all, err := parse(bytes.NewReader(raw))
	if len(all) > maxItems {
		err = errors.Join(err, fmt.Errorf("%d passwords are more than the %d that can be handled", len(all), maxItems))
	}
	return all, err
}

// parseStore reads the lines https://user:password@host of git's store. An address
// that git does not use, for it names no user or no password, is passed over.
func parseStore(r io.Reader) ([]credential, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var all []credential
	for lines.Scan() {
		c, ok := parseAddress(strings.TrimSpace(lines.Text()))
		if ok && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all, lines.Err()
}

// parseAddress takes a line apart as git does, which escapes the colon before a
// port too.
func parseAddress(line string) (credential, bool) {
	scheme, rest, ok := strings.Cut(line, "://")
	authority, path, _ := strings.Cut(rest, "/")
	at := strings.LastIndex(authority, "@")
	if !ok || at < 0 {
		return credential{}, false
	}
	name, _, _ := strings.Cut(authority[:at], ":")
	user, errUser := url.PathUnescape(name)
	host, errHost := url.PathUnescape(authority[at+1:])
	path, errPath := url.PathUnescape(path)
	c := credential{scheme: scheme, user: user, host: binding.Host(scheme + "://" + host), address: host}
	if path != "" {
		c.address += "/" + path
	}
	return c, errors.Join(errUser, errHost, errPath) == nil && c.host != ""
}

// parseNetrc reads the words "machine host login user password secret"; a macro
// goes to the next empty line.
func parseNetrc(r io.Reader) ([]credential, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var all []credential
	var now *credential
	var key string // whose value the next word is
	macro := false
	add := func() {
		if now != nil && now.host != "" && !slices.Contains(all, *now) {
			all = append(all, *now)
		}
		now = nil
	}
	for lines.Scan() {
		text := lines.Text()
		if macro = macro && strings.TrimSpace(text) != ""; macro || strings.HasPrefix(strings.TrimSpace(text), "#") {
			continue
		}
		for _, word := range strings.Fields(text) {
			switch {
			case key == "machine":
				now, key = &credential{scheme: "https", host: binding.Host("https://" + word), address: word}, ""
			case key == "login":
				if now != nil {
					now.user = strings.Trim(word, `"`)
				}
				key = ""
			case key != "":
				key = ""
			case word == "default":
				add()
			case word == "macdef":
				add()
				macro = true
			case word == "machine":
				add()
				key = word
			case word == "login", word == "password", word == "account":
				key = word
			}
		}
	}
	add()
	return all, lines.Err()
}
