package dataset_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/dataset"
)

func TestAtServer(t *testing.T) {
	for address, want := range map[string]binding.Who{
		"https://Cloud.Example:443/dav/": {Type: "carddav", User: "alice", Host: "cloud.example"},
		"http://dav.example:8080":        {Type: "carddav", User: "alice", Host: "dav.example:8080"},
		"":                               {Type: "carddav", User: "alice"},
		"://":                            {Type: "carddav", User: "alice"},
	} {
		if got := dataset.AtServer("carddav", address, "alice"); got != want {
			t.Errorf("%q: %+v, want %+v", address, got, want)
		}
	}
	if got := dataset.AtServer("caldav", "https://bob:secret@dav.example/", ""); got.User != "bob" {
		t.Errorf("the address says bob: %+v", got)
	}
}

// TestOneFile: each contact is an item; a file that was not made yet holds none,
// and what is no file is a listing that is not whole.
func TestOneFile(t *testing.T) {
	at := filepath.Join(t.TempDir(), "all.vcf")
	list := func() (n int, err error) {
		t.Helper()
		s := dataset.OfFile(dataset.Store{Name: "All"}, at, "All")
		defer func() { _ = s.Close() }()
		for _, e := range s.List(t.Context(), source.Ref{}, nil) {
			if err = e; e == nil {
				n++
			}
		}
		return n, err
	}
	if n, err := list(); n != 0 || err != nil {
		t.Errorf("not made yet: %d, %v", n, err)
	}
	card := "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:A\r\nEND:VCARD\r\n"
	if err := os.WriteFile(at, []byte(card+card), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := list(); n != 2 || err != nil {
		t.Errorf("two of one name: %d, %v", n, err)
	}
	if err := errors.Join(os.Remove(at), os.Mkdir(at, 0o700)); err != nil {
		t.Fatal(err)
	}
	var incomplete *source.Incomplete
	if n, err := list(); n != 0 || !errors.As(err, &incomplete) {
		t.Errorf("a folder: %d, %v", n, err)
	}
	if s := dataset.OfFile(dataset.Store{Name: "All"}, "/no/such/folder/all.vcf", "All"); s.List != nil || s.Why.Text == "" {
		t.Errorf("no folder: %+v", s)
	}
}
