package tasks

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// TestLargeContacts: 150 contacts with photos of 1 MB each, which kill
// evolution-data-server when they are asked for all at once.
func TestLargeContacts(t *testing.T) {
	const contacts, photo = 150, photoBytes
	d := newDesk(t)
	names := make(map[string]bool)
	d.signIn(davtest.Content{}, func(a *davtest.Account) {
		for i := range contacts {
			name := fmt.Sprintf("large-%03d.vcf", i)
			names[name] = true
			_, err := a.PutContact("contacts", name, largeCard(i, photo))
			must(t, err)
		}
	})
	eventually(t, "the contacts on this device", func() bool { return d.look().Kept.Needed == contacts })
	d.backup()
	res := d.verify()
	if res.Failed != 0 {
		t.Errorf("%d of %d items are not in order", res.Failed, res.Done)
	}
	l := d.look()
	for _, remote := range []bool{true, false} {
		k := listing(t, l, departure.Contacts, remote)
		if !k.Complete || k.Items != contacts || k.Covered != contacts {
			t.Errorf("at the server %v: %+v", remote, k)
		}
	}
	if l.Copy.Unread != 0 || l.Copy.Items < 2*contacts {
		t.Errorf("the copy: %+v", l.Copy)
	}
	whole := 0
	must(t, filepath.WalkDir(filepath.Join(l.Copy.Shown, "data", "contacts"), func(at string, e os.DirEntry, err error) error {
		if err != nil || filepath.Ext(at) != ".vcf" {
			return err
		}
		data, err := os.ReadFile(at)
		if len(data) > photo && !strings.Contains(string(data[:min(len(data), 4096)]), "file:") {
			whole++
		}
		return err
	}))
	if whole != 2*contacts {
		t.Errorf("%d cards are in the copy with their photos, want %d", whole, 2*contacts)
	}
}

// largeCard is a contact with a photo of so many bytes.
func largeCard(i, photo int) []byte {
	raw := make([]byte, photo)
	_, _ = rand.NewChaCha8([32]byte{byte(i)}).Read(raw) // never fails
	copy(raw, "\xff\xd8\xff\xe0\x00\x10JFIF\x00")
	return fmt.Appendf(nil, "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:large-%03d\r\nFN:Large %d\r\nN:Large;%d;;;\r\nPHOTO;ENCODING=b;TYPE=JPEG:%s\r\nEND:VCARD\r\n",
		i, i, i, base64.StdEncoding.EncodeToString(raw))
}

// TestKeepTwice: what would leave this device is kept in books of its own, once.
func TestKeepTwice(t *testing.T) {
	d := newDesk(t)
	d.signIn(davtest.Content{Contacts: 6, Events: 3, Tasks: 2}, nil)
	eventually(t, "the books on this device", func() bool { return d.look().Kept.Needed == 11 })
	for range 2 {
		res, err := d.Keep(t.Context(), d.job, quiet)
		must(t, err)
		if res.Done != 11 || res.Failed != 0 {
			t.Errorf("kept %+v", res)
		}
		if k := d.look().Kept; !k.Known || k.Needed != 11 || k.Present != 11 {
			t.Errorf("kept: %+v", k)
		}
	}
	s, err := d.survey(t.Context(), d.job)
	must(t, err)
	defer func() { must(t, s.close(t.Context())) }()
	for _, b := range s.books {
		store, err := d.eds.Open(t.Context(), s.shelf(b.entry.Kind).UID())
		must(t, err)
		l, err := store.Keys(t.Context())
		must(t, errors.Join(err, store.Close(t.Context())))
		seen := map[string]bool{}
		for _, k := range l.Keys {
			if seen[k.UID] {
				t.Errorf("%s was kept twice", k.UID)
			}
			seen[k.UID] = true
		}
	}
}

// TestUnbindDoesNothing where it must not: what is not known by its exact id,
// and where the password would stay in a locked keyring.
func TestUnbindDoesNothing(t *testing.T) {
	d := newDesk(t)
	d.signIn(davtest.Content{Contacts: 1}, nil)
	for _, name := range []string{"", "goa", "goa:owncloud:account_1_0", "elsewhere:owncloud:x"} {
		if err := d.Unbind(t.Context(), d.job, name); err == nil {
			t.Errorf("%q was signed out", name)
		}
	}
	must(t, d.session.LockKeyring(t.Context()))
	i := slices.IndexFunc(d.look().Bindings, func(b departure.Binding) bool { return b.State == departure.BindingPresent })
	b := d.look().Bindings[i]
	if b.Blocked == nil || b.Blocked.Code != "unlock" || b.Blocked.Command == "" {
		t.Errorf("with a locked keyring: %+v", b)
	}
	var blocked *engine.BlockedError
	if err := d.Unbind(t.Context(), d.job, b.ID); !errors.As(err, &blocked) || blocked.Remedy.Code != "unlock" {
		t.Errorf("with a locked keyring: %v", err)
	}
	as, err := d.Accounts(t.Context())
	if must(t, err); len(as) != 1 {
		t.Errorf("the accounts are %+v", as)
	}
}

// TestPasswordOnceMore: a wrong one is refused, and what was in memory stays.
func TestPasswordOnceMore(t *testing.T) {
	d := newDesk(t)
	var blocked *engine.BlockedError
	d.declared(nil)
	if err := d.Credential(t.Context(), d.job, password); !errors.As(err, &blocked) {
		t.Errorf("an account without a server took a password: %v", err)
	}
	d.signIn(davtest.Content{Contacts: 2}, nil)
	if l := listing(t, d.look(), departure.Contacts, true); !l.Complete {
		t.Fatalf("%+v", l)
	}
	if err := d.Credential(t.Context(), d.job, "wrong"); !errors.As(err, &blocked) || blocked.Remedy.Code != "password" {
		t.Errorf("a wrong password: %v", err)
	}
	must(t, d.Credential(t.Context(), d.job, password))
	if l := listing(t, d.look(), departure.Contacts, true); !l.Complete || l.Items != 2 {
		t.Errorf("%+v", l)
	}
}
