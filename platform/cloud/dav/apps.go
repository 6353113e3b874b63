package dav

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// App is an app of a Nextcloud server that the account has in its menu.
type App struct {
	ID   string // "deck"
	Name string // as the server calls it, in one line
}

const (
	appsPath  = "/ocs/v2.php/core/navigation/apps"
	maxApps   = 200
	appsBytes = 1 << 20
)

var appShape = regexp.MustCompile(`^[a-z0-9_-]{1,60}$`)

// Apps lists the apps that the server shows to the account. A server that is no
// Nextcloud is ErrNoData or ErrNotFound. The form is that of Nextcloud's OCS API,
// core/Controller/NavigationController.php: {"ocs": {"data": [{"id", "name"}]}}.
func (c *Client) Apps(ctx context.Context) ([]App, error) {
	at, err := c.ocs(appsPath)
	if err != nil {
		return nil, fmt.Errorf("cannot list the server's apps: %w", err)
	}
	a, err := c.send(ctx, call{method: http.MethodGet, url: at, header: map[string]string{"OCS-APIRequest": "true", "Accept": "application/json"}})
	if err != nil {
		return nil, fmt.Errorf("cannot list the server's apps: %w", err)
	}
	defer a.Close()
	if err := c.want(a, http.StatusOK); err != nil {
		return nil, fmt.Errorf("cannot list the server's apps: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(a.body, appsBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot list the server's apps: %w", err)
	}
	if len(raw) > appsBytes {
		return nil, fmt.Errorf("cannot list the server's apps: %w: more than %d bytes", ErrTooLarge, appsBytes)
	}
	apps, err := parseApps(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot list the server's apps: %w", err)
	}
	return apps, nil
}

// ocs is an address of the server's OCS API, beside the one of its DAV.
func (c *Client) ocs(path string) (*url.URL, error) {
	for _, base := range []*url.URL{c.files, c.contacts, c.calendars} {
		if base == nil {
			continue
		}
		if root, _, ok := strings.Cut(base.Path, "/remote.php/"); ok {
			return &url.URL{Scheme: base.Scheme, Host: base.Host, Path: root + path, RawQuery: "format=json"}, nil
		}
	}
	return nil, ErrNoData
}

// parseApps reads the answer; an entry without a sound id is left out, for its
// app cannot be told from another.
func parseApps(raw []byte) ([]App, error) {
	var answer struct {
		OCS *struct {
			Data []struct {
				ID   string `json:"id"`
				Name string `json:"name"`
			} `json:"data"`
		} `json:"ocs"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.OCS == nil {
		return nil, fmt.Errorf("%w: no list of apps", ErrMalformed)
	}
	var apps []App
	for _, e := range answer.OCS.Data {
		if len(apps) == maxApps {
			return nil, fmt.Errorf("%w: more than %d apps", ErrTooLarge, maxApps)
		}
		if !appShape.MatchString(e.ID) {
			continue
		}
		name := oneLine(e.Name)
		if name == "" {
			name = e.ID
		}
		apps = append(apps, App{ID: e.ID, Name: name})
	}
	return apps, nil
}

// oneLine is a server's text fit to be shown in a line.
func oneLine(text string) string {
	shown := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(shown); len(runes) > 60 {
		shown = string(runes[:60]) + "…"
	}
	return strings.Join(strings.Fields(shown), " ")
}
