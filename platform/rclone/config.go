package rclone

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/inifile"
	"github.com/clearance-project/clearance/platform/xdg"
)

// The limits of a configuration, where a token may have some kilobytes.
const (
	maxFile    = 16 << 20
	maxRemotes = 2000
)

var dialect = inifile.Dialect{MaxBytes: maxFile, Comments: "#;", Part: "=", Header: inifile.Last}

// encrypted begins a configuration that is encrypted, after its comment.
const encrypted = "RCLONE_ENCRYPT_V"

// remote is one account of a configuration.
type remote struct {
	name string
	who  binding.Who
}

// read reads one configuration, which need not be there. sealed is the digest of
// one that is encrypted with a password of its own, of which no remote is known.
func read(at string) (all []remote, sealed departure.Digest, err error) {
	raw, err := xdg.ReadIfThere(at, maxFile)
	if err != nil {
		return nil, "", err
	}
	if isEncrypted(raw) {
		return nil, departure.DigestOf(raw), nil
	}
	all, err = parse(raw)
	return all, "", err
}

func isEncrypted(raw []byte) bool {
	for line := range bytes.Lines(raw) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte(encrypted)) {
			return true
		}
	}
	return false
}

// parse reads [name] and its "key = value" lines. A name that is there twice is one
// remote to rclone, with the last value of each key; what the parts say by
// themselves still stands in the file, and is listed too.
func parse(raw []byte) ([]remote, error) {
	file, err := dialect.Strict(string(raw))
	if err != nil {
		return nil, err
	}
	if len(file) > maxRemotes {
		return nil, fmt.Errorf("more than %d remotes", maxRemotes)
	}
	merged := make(map[string]map[string]string)
	var all []remote
	for _, g := range file {
		if merged[g.Name] == nil {
			merged[g.Name] = make(map[string]string)
		}
		maps.Copy(merged[g.Name], g.Values())
		for _, values := range []map[string]string{g.Values(), merged[g.Name]} {
			if w, ok := whose(values); ok && !slices.Contains(all, remote{g.Name, w}) {
				all = append(all, remote{g.Name, w})
			}
		}
	}
	return all, nil
}

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
