package devicesvc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// HTTPCheck asks a provider's server by HTTP basic authentication: 200 means
// that the proof is right, 401 that it is wrong, anything else that the server
// could not be asked.
type HTTPCheck struct {
	url    *url.URL
	user   string
	client *http.Client
}

// NewHTTPCheck checks at an address of https, or of http on this machine alone.
// User is the name for the server; empty: the account.
func NewHTTPCheck(address, user string) (*HTTPCheck, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("cannot check proofs at %q: not an address", address)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, fmt.Errorf("cannot check proofs at %s: a password goes over https or stays on this machine", u.Host)
	}
	if strings.Contains(user, ":") {
		return nil, fmt.Errorf("cannot check proofs for %q: a name for basic authentication holds no colon", user)
	}
	return &HTTPCheck{url: u, user: user, client: &http.Client{
		Timeout: 10 * time.Second,
		// A redirect would carry the password elsewhere; its status is no 200.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true},
	}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Host is who answers.
func (h *HTTPCheck) Host() string { return h.url.Host }

// Check implements Checker.
func (h *HTTPCheck) Check(ctx context.Context, account, proof string) (bool, error) {
	user := h.user
	if user == "" {
		user = account
	}
	if strings.Contains(user, ":") {
		return false, errors.New("the account's name cannot be sent to the provider")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url.String(), nil)
	if err != nil {
		return false, fmt.Errorf("the provider cannot be asked: %w", err)
	}
	req.SetBasicAuth(user, proof)
	resp, err := h.client.Do(req)
	if err != nil {
		return false, fmt.Errorf("the provider does not answer: %w", err)
	}
	if err := resp.Body.Close(); err != nil {
		return false, fmt.Errorf("the provider does not answer: %w", err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return true, nil
	case http.StatusUnauthorized:
		return false, nil
	}
	return false, fmt.Errorf("the provider answers %d", resp.StatusCode)
}
