package goa

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/session"
)

// TestContractBindings is what an adapter of bindings owes, run on real
// services: the suite of the port, and what is GOA's own.
func TestContractBindings(t *testing.T) {
	t.Run("goa", func(t *testing.T) {
		bindingtest.Run(t, newRig)
		t.Run("signed in, removed, signed in again", contractRoundTrip)
		t.Run("locked keyring", contractLockedKeyring)
		t.Run("locked item beside an open default collection", contractLockedItem)
		t.Run("fence waits for the watchers", contractFence)
		t.Run("secret left in a keyring that nobody opened", contractLeftSecret)
		t.Run("account of an administrator", contractLockedAccount)
		t.Run("bus gone", contractBusGone)
		t.Run("bus gone during a call", contractBusGoneDuringCall)
		t.Run("refused credentials", contractRefused)
	})
}

// awaitGone reads back until nothing is left, as evolution-data-server lets go
// a little later than GOA.
func (d *device) awaitGone(ctx context.Context, t *testing.T, a Account) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		r := d.ReadBack(ctx, a.Provider, a.ID)
		if r.Gone() {
			return
		}
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("still here: %+v", r.Leftovers)
		}
	}
}

// places lists where something is left, in the order of ReadBack.
func places(r ReadBack) string {
	var names []string
	for _, l := range r.Leftovers {
		name := string(l.Place)
		if l.Locked {
			name += " (locked)"
		}
		names = append(names, name)
	}
	for _, u := range r.Unknown {
		names = append(names, "?"+string(u.Place))
	}
	return strings.Join(names, ", ")
}

// fullyHere waits until the account is in every place.
func (d *device) fullyHere(ctx context.Context, t *testing.T, a Account, want string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		got := places(d.ReadBack(ctx, a.Provider, a.ID))
		if got == want {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the account is in %q, want %q", got, want)
		}
	}
}

const everywhere = "accounts list, accounts file, keyring, data sources"

func contractRoundTrip(t *testing.T) {
	ctx, d := limit(t), newDevice(t, session.Options{})
	h := d.watch(t)
	h.await(ctx, t, "rescan ")
	if l, err := d.List(ctx); err != nil || len(l.Accounts) != 0 || len(l.Unlisted) != 0 {
		t.Fatalf("an empty device lists %+v, %v", l, err)
	}
	first := d.signIn(t)
	host := strings.TrimPrefix(d.server.URL, "http://")
	want := Account{
		ID: first.ID, Path: accountsPath + "/" + dbus.ObjectPath(first.ID),
		Provider: "owncloud", ProviderName: "Nextcloud", Identity: "alice", Presentation: "alice@cloud.example", Host: host,
		Contacts: "http://alice@" + host + "/remote.php/carddav/", Calendar: "http://alice@" + host + "/remote.php/caldav/",
		Files: "dav://" + host + "/remote.php/webdav/", AcceptSSLErrors: true, Password: true,
	}
	if first != want {
		t.Errorf("listed %+v\nwant   %+v", first, want)
	}
	if err := d.EnsureCredentials(ctx, first); err != nil {
		t.Error(err)
	}
	got, err := d.Credentials(ctx, first)
	if err != nil || got.User != "alice" || got.Password.Reveal() != password || !got.Token.Empty() {
		t.Errorf("credentials %v, %v", got, err)
	}
	d.fullyHere(ctx, t, first, everywhere)

	if err := d.Remove(ctx, first.ID); err != nil {
		t.Fatal(err)
	}
	if err := d.Fence(ctx); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(h.all(), "removed "+first.ID) {
		t.Errorf("the fence came before the removal: %q", h.all())
	}
	d.awaitGone(ctx, t, first)
	if err := d.Remove(ctx, first.ID); !errors.Is(err, ErrNotListed) {
		t.Errorf("a second removal: %v, want ErrNotListed", err)
	}

	second := d.signIn(t)
	if second.ID == first.ID || second.Identity != first.Identity || second.Host != first.Host {
		t.Errorf("signed in again as %+v; want a new id and the rest of %+v", second, first)
	}
	if err := d.Fence(ctx); err != nil {
		t.Fatal(err)
	}
	events := h.all()
	added, removed := slices.Index(events, "added "+first.ID), slices.Index(events, "removed "+first.ID)
	if again := slices.Index(events, "added "+second.ID); added < 0 || added > removed || removed > again {
		t.Errorf("heard %q; want added, removed, added again", events)
	}
	if r := d.ReadBack(ctx, first.Provider, first.ID); !r.Gone() {
		t.Errorf("the first sign-in is here again: %s", places(r))
	}
}

func contractLockedKeyring(t *testing.T) {
	ctx, d := limit(t), newDevice(t, session.Options{})
	a := d.signIn(t)
	if err := d.LockKeyring(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(ctx, a.ID); !errors.Is(err, ErrKeyringLocked) {
		t.Errorf("removal with the keyring locked: %v, want ErrKeyringLocked", err)
	}
	if _, err := d.Credentials(ctx, a); !errors.Is(err, ErrKeyringLocked) {
		t.Errorf("credentials with the keyring locked: %v, want ErrKeyringLocked", err)
	}
	d.fullyHere(ctx, t, a, "accounts list, accounts file, keyring (locked), data sources")
	if err := d.UnlockKeyring(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	d.awaitGone(ctx, t, a)
}

func contractLockedItem(t *testing.T) {
	ctx, d := limit(t), newDevice(t, session.Options{})
	a := d.signIn(t)
	if err := d.LockKeyring(ctx); err != nil {
		t.Fatal(err)
	}
	// Another collection is the default one by now, and it is open.
	const other = dbus.ObjectPath("/org/freedesktop/secrets/collection/session")
	m := bus.Method{Service: secrets.Service, Path: "/org/freedesktop/secrets", Name: "org.freedesktop.Secret.Service.SetAlias"}
	if err := d.bus.Call(ctx, m, []any{"default", other}); err != nil {
		t.Fatal(err)
	}
	if collection, err := d.secrets.Default(ctx); err != nil || collection != (secrets.Collection{Path: other}) {
		t.Fatalf("default collection %+v, %v", collection, err)
	}
	if err := d.Remove(ctx, a.ID); !errors.Is(err, ErrKeyringLocked) {
		t.Errorf("removal with the secret in a locked collection: %v, want ErrKeyringLocked", err)
	}
}

// await waits for a channel, with a deadline.
func await(ctx context.Context, t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-ctx.Done():
		t.Fatal("waited in vain")
	}
}

func contractFence(t *testing.T) {
	ctx, d := limit(t), newDevice(t, session.Options{})
	began, entered, release := make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	sub, err := d.Watch(func(e Event) {
		switch e.Change {
		case Rescan:
			select {
			case began <- struct{}{}:
			default:
			}
		case Added:
			close(entered)
			<-release
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	await(ctx, t, began)
	d.signIn(t)
	await(ctx, t, entered)
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if err := d.Fence(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a fence while a watcher is busy: %v, want a deadline", err)
	}
	close(release)
	if err := d.Fence(ctx); err != nil {
		t.Error(err)
	}
}

// contractLeftSecret removes the account behind our back, as GOA's settings
// page does, while the keyring is locked.
func contractLeftSecret(t *testing.T) {
	ctx, d := limit(t), newDevice(t, session.Options{})
	a := d.signIn(t)
	d.fullyHere(ctx, t, a, everywhere)
	if err := d.RestartKeyring(ctx, session.KeyringLocked); err != nil {
		t.Fatal(err)
	}
	// It answers that it failed, and has removed the account all the same.
	var refused *bus.RemoteError
	if err := d.bus.Call(ctx, bus.Method{Service: Service, Path: a.Path, Name: accountIface + ".Remove"}, nil); !errors.As(err, &refused) {
		t.Errorf("GOA's own removal: %v, want its refusal", err)
	}
	d.fullyHere(ctx, t, a, "keyring (locked)")
	if err := d.UnlockKeyring(ctx); err != nil {
		t.Fatal(err)
	}
	d.fullyHere(ctx, t, a, "keyring")
}

func contractLockedAccount(t *testing.T) {
	ctx, d := limit(t), newDevice(t, session.Options{})
	a := d.signIn(t)
	h := d.watch(t)
	h.await(ctx, t, "rescan ")
	path := keyFilePath(d.ConfigHome)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, "IsLocked=true\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	h.await(ctx, t, "changed "+a.ID)
	now, err := d.Find(ctx, a.ID)
	if err != nil || !now.Locked {
		t.Fatalf("the account is %+v, %v; want a locked one", now, err)
	}
	if err := d.Remove(ctx, a.ID); !errors.Is(err, ErrLocked) {
		t.Errorf("removal of a locked account: %v, want ErrLocked", err)
	}
	d.fullyHere(ctx, t, a, everywhere)
}

func contractBusGone(t *testing.T) {
	ctx, d := limit(t), newDevice(t, session.Options{})
	a := d.signIn(t)
	h := d.watch(t)
	h.await(ctx, t, "rescan ")
	if err := d.StopBus(); err != nil {
		t.Fatal(err)
	}
	h.await(ctx, t, "lost ")
	if _, err := d.List(ctx); !errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("List: %v, want bus.ErrUnavailable", err)
	}
	if err := d.Remove(ctx, a.ID); !errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("Remove: %v, want bus.ErrUnavailable", err)
	}
	r := d.ReadBack(ctx, a.Provider, a.ID)
	if want := "accounts file, ?accounts list, ?keyring, ?data sources"; places(r) != want || !errors.Is(r.Err(), bus.ErrUnavailable) {
		t.Errorf("read back %q (%v), want %q", places(r), r.Err(), want)
	}
	// An account that never was is unknown too: nobody could look.
	if r := d.ReadBack(ctx, a.Provider, "account_1_0"); r.Gone() {
		t.Error("without a bus, an account is gone")
	}
	if err := d.StartBus(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.RestartKeyring(ctx, session.KeyringUnlocked); err != nil {
		t.Fatal(err)
	}
	if err := d.awaitUp(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.bus.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	events := h.all()
	if lost := slices.Index(events, "lost "); !slices.Contains(events[lost:], "rescan ") {
		t.Errorf("heard %q; want a rescan after the loss", events)
	}
	if err := d.Remove(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	d.awaitGone(ctx, t, a)
}

// awaitUp returns once the device's own connection is back.
func (d *device) awaitUp(ctx context.Context) error {
	up := make(chan struct{}, 8)
	sub, err := d.bus.Subscribe(func(e bus.Event) {
		if e.Kind == bus.Up {
			up <- struct{}{}
		}
	}, bus.Rule{Sender: Service})
	if err != nil {
		return err
	}
	defer sub.Close()
	select {
	case <-up:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func contractBusGoneDuringCall(t *testing.T) {
	ctx, d := limit(t), newDevice(t, session.Options{})
	a := d.signIn(t)
	asked := d.hold(t)
	result := make(chan error, 1)
	go func() { result <- d.EnsureCredentials(ctx, a) }()
	await(ctx, t, asked)
	if err := d.StopBus(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("a bus that died during a call: %v, want bus.ErrUnavailable", err)
	}
}

func contractRefused(t *testing.T) {
	ctx, d := limit(t), newDevice(t, session.Options{})
	a := d.signIn(t)
	h := d.watch(t)
	h.await(ctx, t, "rescan ")
	d.refuse()
	if err := d.EnsureCredentials(ctx, a); !errors.Is(err, ErrNotAuthorized) {
		t.Errorf("refused credentials: %v, want ErrNotAuthorized", err)
	}
	h.await(ctx, t, "changed "+a.ID)
	if now, err := d.Find(ctx, a.ID); err != nil || !now.AttentionNeeded {
		t.Errorf("the account is %+v, %v; want one that needs attention", now, err)
	}
}
