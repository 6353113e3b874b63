package dav

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// TestTokenRunsOutMidListing: whichever request of a listing first meets the
// refusal, one new token is asked for and the listing is whole.
func TestTokenRunsOutMidListing(t *testing.T) {
	for _, stage := range stages {
		t.Run(stage.name, func(t *testing.T) {
			s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 20})
			a := s.User("alice")
			var renewals atomic.Int32
			config := configFor(s.URL())
			config.Credentials = Credentials{Bearer: NewSecret("t0ken")}
			config.Renew = func(context.Context) (Secret, error) {
				renewals.Add(1)
				return NewSecret("t1ken"), nil
			}
			c := client(t, config)
			coll := book(t, c)
			out := s.Inject(davtest.Fault{Method: stage.method, Depth: stage.depth, Path: coll.Path, Skip: stage.skip, Times: 1,
				Before: func() { a.SetToken("t1ken") }})
			l, err := c.List(deadline(t), coll)
			if err != nil || l.Count != 20 || renewals.Load() != 1 || out.Fired() != 1 {
				t.Errorf("%d items, %v, %d new tokens, fired %d", l.Count, err, renewals.Load(), out.Fired())
			}
		})
	}
}

// TestTokenThatCannotBeRenewed: the server is asked for nothing more than once
// with each token, and the listing is refused.
func TestTokenThatCannotBeRenewed(t *testing.T) {
	for name, renew := range map[string]func() (Secret, error){
		"no new one":      func() (Secret, error) { return Secret{}, errors.New("sign in again") },
		"the same again":  func() (Secret, error) { return NewSecret("old"), nil },
		"an empty one":    func() (Secret, error) { return Secret{}, nil },
		"one refused too": func() (Secret, error) { return NewSecret("other"), nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 5})
			renewals := 0
			config := configFor(s.URL())
			config.Credentials = Credentials{Bearer: NewSecret("old")}
			config.Renew = func(context.Context) (Secret, error) { renewals++; return renew() }
			c := client(t, config)
			for range 3 {
				if _, err := c.AddressBooks(deadline(t)); !errors.Is(err, ErrUnauthorized) || strings.Contains(fmt.Sprint(err), "old") {
					t.Errorf("refused: %v", err)
				}
			}
			if renewals != 1 {
				t.Errorf("a new token was asked for %d times", renewals)
			}
			c.SetBearer(NewSecret("t0ken"))
			if l, err := c.List(deadline(t), book(t, c)); err != nil || l.Count != 5 {
				t.Errorf("with a new sign-in: %d, %v", l.Count, err)
			}
		})
	}
}

func TestRenewalEndsWithItsContext(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{})
	config := configFor(s.URL())
	config.Credentials = Credentials{Bearer: NewSecret("old")}
	ctx, cancel := context.WithCancel(deadline(t))
	config.Renew = func(ctx context.Context) (Secret, error) { cancel(); <-ctx.Done(); return Secret{}, ctx.Err() }
	if _, err := client(t, config).AddressBooks(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
