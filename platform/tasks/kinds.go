package tasks

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav"
)

// copiedApps are the apps of a Nextcloud server whose content is listed by DAV
// and copied, and those that keep nothing of the person's own.
var copiedApps = []string{
	"activity", "calendar", "contacts", "dashboard", "files", "notes", "photos", "search", "tasks",
}

// appsLimit bounds the question for them: it holds no look up.
const appsLimit = 15 * time.Second

// kinds are the kinds of data that the account was seen to hold and that nothing
// here copies: mail that a place on this device signs in to, and apps that the
// server shows. A server that cannot say so now takes nothing off the list, for
// what was seen once stays on it.
func (s *survey) kinds(ctx context.Context, bindings []departure.Binding) []departure.SeenKind {
	var kinds []departure.SeenKind
	mail := func(v departure.Vanishing) bool { return v.What == "mail account" }
	if slices.ContainsFunc(bindings, func(b departure.Binding) bool { return slices.ContainsFunc(b.Goes, mail) }) {
		kinds = append(kinds, departure.SeenKind{ID: "mail", Name: "Mail"})
	}
	if s.session == nil || s.job.Glance {
		return kinds // a glance is for what changes by the minute
	}
	ctx, cancel := context.WithTimeout(ctx, appsLimit)
	defer cancel()
	apps, err := s.session.client.Apps(ctx)
	if errors.Is(err, dav.ErrTooLarge) {
		return append(kinds, departure.MoreKinds)
	}
	if err != nil {
		return kinds // no Nextcloud, or none that answers: the listings say so
	}
	for _, app := range apps {
		if !slices.Contains(copiedApps, app.ID) {
			kinds = append(kinds, departure.SeenKind{ID: "app-" + app.ID, Name: app.Name + " (an app of the server)"})
		}
	}
	return kinds
}
