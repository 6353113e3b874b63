package rclone

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/xdg"
)

// The limits of a configuration, where a token may have some kilobytes.
const (
	maxLine    = 1 << 20
	maxFile    = 16 << 20
	maxRemotes = 2000
)

// encrypted begins a configuration that is encrypted, after its comment.
const encrypted = "RCLONE_ENCRYPT_V"

var errEncrypted = errors.New(`it is encrypted with a password of its own: run "rclone config", choose s and then u, to take the password off until you have left`)

// remote is one account of a configuration.
type remote struct {
	name string
	who  binding.Who
}

// read reads one configuration, which need not be there.
func read(at string) ([]remote, error) {
	raw, err := xdg.ReadFile(at, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parse(bytes.NewReader(raw))
}

// parse reads [name] and its "key = value" lines.
func parse(r io.Reader) ([]remote, error) {
	limited := &io.LimitedReader{R: r, N: maxFile + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, maxLine)
	var all []remote
	var name string
	values := map[string]string(nil)
	add := func() {
		if w, ok := whose(values); ok {
			all = append(all, remote{name, w})
		}
	}
	number := 0
	for lines.Scan() {
		number++
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		switch {
		case line == "", line[0] == '#', line[0] == ';':
		case strings.HasPrefix(line, encrypted):
			return nil, errEncrypted
		case line[0] == '[':
			add()
			var ok bool
			if name, ok = strings.CutSuffix(line[1:], "]"); !ok {
				return nil, fmt.Errorf("line %d is no remote", number)
			}
			values = map[string]string{}
		default:
			key, value, ok := strings.Cut(line, "=")
			if !ok || values == nil {
				return nil, fmt.Errorf("line %d is neither a remote nor a key and its value", number)
			}
			if key = strings.TrimSpace(key); slices.Contains(keys, key) {
				values[key] = strings.TrimSpace(value)
			}
		}
		if len(all) > maxRemotes || limited.N == 0 {
			return nil, fmt.Errorf("more than %d remotes or %d bytes", maxRemotes, maxFile)
		}
	}
	add()
	return all, lines.Err()
}

// keys are those that are read: others hold passwords and tokens.
var keys = []string{"type", "url", "vendor", "host", "user", "username", "email", "account", "apple_id", "endpoint", "cloud_host", "base_url"}

// none are the storage systems that are no account of their own: they lie on
// another remote, or on this device.
var none = []string{"", "alias", "archive", "cache", "chunker", "combine", "compress", "crypt", "hasher", "local", "memory", "union"}

// providers are the words of the catalogue for the storage systems of companies
// that have one service for everybody, and whose remotes do not name the user.
var providers = map[string]string{
	"drive": "google", "google photos": "google", "onedrive": "microsoft", "iclouddrive": "apple",
}

// whose says whose a remote is; ok is false for one that is no account.
func whose(v map[string]string) (binding.Who, bool) {
	kind := v["type"]
	if slices.Contains(none, kind) {
		return binding.Who{}, false
	}
	w := binding.Who{Type: kind}
	for _, key := range []string{"user", "username", "email", "apple_id", "account"} {
		if w.User == "" {
			w.User = v[key]
		}
	}
	if word, ok := providers[kind]; ok {
		w.Type = word
		return w, true
	}
	if kind == "webdav" && (v["vendor"] == "nextcloud" || v["vendor"] == "owncloud") {
		w.Type = v["vendor"]
	}
	for _, key := range []string{"url", "host", "endpoint", "cloud_host", "base_url"} {
		if w.Host == "" && v[key] != "" {
			if w.Host = binding.Host(v[key]); w.Host == "" {
				w.Host = binding.Host("https://" + v[key])
			}
		}
	}
	return w, true
}
