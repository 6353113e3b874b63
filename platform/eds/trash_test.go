package eds

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// After the account's removal its data lies in the trash alone, what was made
// offline included, and an open book goes on answering.
func TestRemovedAccountsTrash(t *testing.T) {
	b := signIn(t, davtest.Content{Contacts: 20, Events: 5})
	book := b.child(t, AddressBook)
	calendar := b.child(t, Calendar)
	s, err := b.client.Open(t.Context(), book.UID)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := s.Refresh(t.Context()); err != nil || !r.Reached {
		t.Fatalf("%+v %v", r, err)
	}
	if _, err := b.open(t, calendar.UID).Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.server.Die(); err != nil {
		t.Fatal(err)
	}
	// a factory that starts without the server takes new contacts offline
	b.kill(t, string(addressBooks))
	photo := strings.Repeat("QUFB", 20_000)
	offline := card(77, "PHOTO;ENCODING=b;TYPE=JPEG:"+photo+"\r\n")
	if _, err := s.Keys(t.Context()); err != nil {
		t.Fatal(err)
	}
	made, err := s.Create(t.Context(), []string{offline})
	if err != nil || len(made.Failed) > 0 {
		t.Fatalf("%+v %v", made, err)
	}
	if _, live := cacheOf(t, s.Folder()+"/cache.db"); len(live) != 1 || live[0].uid != "c77" {
		t.Fatalf("in the live cache: %+v", live)
	}
	list, err := b.client.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const hostile = "../../.."
	if kept, err := Trash(t.Context(), b.dirs, []string{hostile}); err != nil || len(kept) != 1 || kept[0].Root != "" || !slices.Equal(kept[0].Skipped, []string{hostile}) {
		t.Fatalf("a name that no folder can have: %+v %v", kept, err)
	}
	uids := []string{"nobody"}
	for _, s := range descendants(list, b.id) {
		uids = append(uids, s.UID)
	}
	if kept, err := Trash(t.Context(), b.dirs, uids); err != nil || len(kept) != 0 {
		t.Fatalf("before the removal: %+v %v", kept, err)
	}
	b.remove(t)

	_, err = s.Keys(t.Context())
	is(t, err, ErrGone)
	if _, err = b.client.Open(t.Context(), book.UID); !errors.Is(err, ErrGone) {
		t.Errorf("open: %v", err)
	}
	kept, err := Trash(t.Context(), b.dirs, uids)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, k := range kept {
		t.Logf("%s %s cache=%v %d files %v", k.Component, k.UID, k.Cache, len(k.Files), k.Skipped)
		seen[k.Component] = true
		if k.Component != "addressbook" || !k.Cache {
			continue
		}
		all, only := cacheOf(t, k.Root+"/cache.db")
		if all != 21 || len(only) != 1 || only[0].uid != "c77" || only[0].sync != createdOffline {
			t.Fatalf("%d items in the cache, %+v", all, only)
		}
		whole, err := embed(only[0].data, func(uri string) ([]byte, error) { return k.Linked(uri, MaxLinked) })
		if err != nil {
			t.Fatal(err)
		}
		if lost := missing(contentOf(offline), contentOf(whole)); lost != "" {
			t.Errorf("%.80q is lost", lost)
		}
	}
	if !seen["addressbook"] || !seen["calendar"] || !seen["sources"] {
		t.Errorf("%v", seen)
	}
}

func TestTrashIsNotFollowedOutside(t *testing.T) {
	home := t.TempDir()
	dirs := Dirs{Data: home + "/data", Cache: home + "/cache"}
	at := dirs.Cache + "/addressbook/trash/uid"
	if err := os.MkdirAll(at+"/photos", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"cache.db": "x", "photos/a": "yy"} {
		if err := os.WriteFile(at+"/"+name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("/etc/passwd", at+"/link"), os.Symlink("/etc", dirs.Cache+"/addressbook/trash/linked")); err != nil {
		t.Fatal(err)
	}
	kept, err := Trash(t.Context(), dirs, []string{"uid"})
	if err != nil || len(kept) != 1 || len(kept[0].Files) != 2 || len(kept[0].Skipped) != 1 {
		t.Fatalf("%+v %v", kept, err)
	}
	if _, err := Trash(t.Context(), dirs, []string{"linked"}); !errors.Is(err, ErrRefused) {
		t.Errorf("a link in place of a folder: %v", err)
	}
	for _, uri := range []string{"file:///etc/passwd", "file://" + at + "/link", "http://x/", "file:" + home, "file://" + dirs.Cache + "/addressbook/uid/../../x"} {
		if b, err := kept[0].Linked(uri, 100); err == nil {
			t.Errorf("%s gave %q", uri, b)
		}
	}
	for _, uri := range []string{"file:///a/c", "file:///a/b/../c", "file:///a/b", "file:///a/bc", "file:a/b/c", "file://host/a/b/c", "/a/b/c", "file:///a/b/%2e%2e/c"} {
		if rel, err := within("/a/b", uri); err == nil {
			t.Errorf("%s is within: %s", uri, rel)
		}
	}
	if b, err := kept[0].Linked("file://"+dirs.Cache+"/addressbook/uid/photos/a", 100); err != nil || string(b) != "yy" {
		t.Errorf("%q %v", b, err)
	}
}
