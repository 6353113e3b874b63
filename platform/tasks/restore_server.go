package tasks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/cloud/dav"
)

// server is the target of an address book at a server, by CardDAV.
func (w *Worker) server(ctx context.Context, task *engine.RestoreTask) (restore.Target, string, func(), error) {
	none := func() {}
	at, err := url.Parse(task.To.URL)
	if err != nil || at.Hostname() == "" {
		return nil, "", none, &engine.RefusedError{Code: "invalid", Text: "that is not the address of a server"}
	}
	if ip := net.ParseIP(at.Hostname()); at.Scheme != "https" && at.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, "", none, &engine.RefusedError{Code: "invalid", Text: "your password and your contacts would go to that server in the clear: use its https address"}
	}
	client, err := dav.New(dav.Config{
		Contacts: task.To.URL, Credentials: dav.Credentials{User: task.To.User, Password: dav.NewSecret(task.To.Password)}, Now: w.cfg.Clock.Now,
	})
	if err != nil {
		return nil, "", none, &engine.RefusedError{Code: "invalid", Text: err.Error()}
	}
	book, err := bookAt(ctx, client, at)
	if err != nil {
		client.Close()
		return nil, "", none, err
	}
	name := book.Title
	if name == "" {
		name = book.Path
	}
	return &cardServer{client: client, book: book}, fmt.Sprintf("the address book %s at %s", name, at.Host), client.Close, nil
}

// bookAt is the address book that an address names, or the only one there.
func bookAt(ctx context.Context, client *dav.Client, at *url.URL) (dav.Collection, error) {
	found, err := client.AddressBooks(ctx)
	if err != nil {
		return dav.Collection{}, &engine.BlockedError{Why: serverReason("the address books at "+at.Host, err),
			Remedy: departure.Remedy{Code: "server", Text: "look at the address, the name and the password, then do it again", Command: "clearance restore"}}
	}
	var names []string
	for _, c := range found.Found {
		if c.Path == strings.TrimSuffix(at.Path, "/") || len(found.Found) == 1 {
			return c, nil
		}
		names = append(names, c.Path)
	}
	if len(names) == 0 {
		return dav.Collection{}, &engine.RefusedError{Code: "not-found", Text: "there is no address book at " + at.Host + ": make one there first"}
	}
	return dav.Collection{}, &engine.RefusedError{Code: "invalid", Text: "there are several address books at " + at.Host + ": give the address of one of them, which end in " + strings.Join(names, ", ")}
}

// cardServer restores contacts to an address book at a server. What is there is
// never changed: each contact is added under a name made of its UID, and read
// back.
type cardServer struct {
	client *dav.Client
	book   dav.Collection
}

// Path is none.
func (s *cardServer) Path() string { return "" }

// Takes contacts.
func (s *cardServer) Takes(it *restore.Item) bool {
	return it.Dataset == source.Contacts && restore.IsObject(it)
}

// Write adds the contacts that the server has not.
func (s *cardServer) Write(ctx context.Context, b restore.Batch) error {
	have, err := s.list(ctx)
	if err != nil {
		return targetOr(ctx, err)
	}
	refused := 0 // one after the other, by an error that may be the server's or the contact's
	for it := range b.Items {
		objects, err := objectsOf(ctx, it)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			b.Done(it, restore.Fail(err))
			continue
		}
		res := restore.Result{State: restore.Already, Where: s.book.Path}
		for i := range objects {
			state, err := s.put(ctx, have, objects[i], b.DryRun)
			if refused++; err == nil {
				refused = 0
			}
			if err != nil && (fatal(ctx, err) || refused >= maxRefused) {
				return targetOr(ctx, err)
			}
			if err != nil {
				res = restore.Fail(err)
				break
			}
			if state == restore.Beside || state == restore.Written && res.State != restore.Beside {
				res.State = state
			}
		}
		b.Done(it, res)
	}
	return ctx.Err()
}

// maxRefused is after how many contacts that it fails on a server counts as
// failing itself: one answers 500 to a contact that it cannot read.
const maxRefused = 5

// said is what the contacts at the server say, by UID.
type said map[string][][]string

func (s said) has(o *restore.Object) bool {
	want := source.ContactSays(o.Raw)
	for _, have := range s[o.UID] {
		if source.Holds(have, want) {
			return true
		}
	}
	return false
}

func (s said) add(uid string, raw []byte) { s[uid] = append(s[uid], source.ContactSays(raw)) }

// list fetches what the server has.
func (s *cardServer) list(ctx context.Context) (said, error) {
	l, err := s.client.List(ctx, s.book)
	if err != nil {
		return nil, err
	}
	have := said{}
	got, err := s.client.Fetch(ctx, s.book, l.Items, func(_ dav.Item, body []byte) error {
		card := source.ParseVCard(body)
		have.add(card.ID(), body)
		return nil
	})
	if err == nil && len(got.Failed) > 0 {
		err = fmt.Errorf("%d contacts at the server cannot be read: %w", len(got.Failed), got.Failed[0].Err)
	}
	return have, err
}

// put adds one contact, under a UID of its own where another has its own.
func (s *cardServer) put(ctx context.Context, have said, o restore.Object, dry bool) (restore.State, error) {
	state := restore.Written
	if have.has(&o) {
		return restore.Already, nil
	}
	if have[o.UID] != nil {
		state, o = restore.Beside, o.As(o.OtherUID())
		if have.has(&o) {
			return restore.Already, nil
		}
	}
	if !dry {
		if err := s.add(ctx, &o); err != nil {
			return restore.Failed, err
		}
	}
	have.add(o.UID, o.Raw)
	return state, nil
}

func (s *cardServer) add(ctx context.Context, o *restore.Object) error {
	sum := sha256.Sum256([]byte(o.UID))
	name := hex.EncodeToString(sum[:16]) + ".vcf"
	err := s.client.Add(ctx, s.book, name, o.Raw)
	if err != nil && !errors.Is(err, dav.ErrExists) {
		return err
	}
	there, rerr := s.client.Get(ctx, s.book, name)
	if rerr != nil {
		return errors.Join(err, rerr)
	}
	if source.Holds(source.ContactSays(there), source.ContactSays(o.Raw)) {
		return nil // an answer that was lost on its way may have made us ask twice
	}
	if err != nil {
		return err
	}
	return errors.New("the server keeps it in another form, in which something is missing")
}

// fatal reports whether an error is of the server, not of one contact.
func fatal(ctx context.Context, err error) bool {
	for _, e := range []error{dav.ErrUnauthorized, dav.ErrForbidden, dav.ErrUnreachable, dav.ErrCertificate, dav.ErrForeign} {
		if errors.Is(err, e) {
			return true
		}
	}
	return ctx.Err() != nil
}

func targetOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &restore.TargetError{Err: err}
}
