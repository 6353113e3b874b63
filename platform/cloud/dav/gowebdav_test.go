package dav

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-vcard"
	"github.com/emersion/go-webdav"
	"github.com/emersion/go-webdav/carddav"
)

// goWebdav is a server made of the handlers of github.com/emersion/go-webdav:
// no getctag, no sync-token, no ETags of folders, and files that name no
// principal.
func goWebdav(t *testing.T) realm {
	t.Helper()
	books := &carddav.Handler{Prefix: "/cards", Backend: &memory{cards: make(map[string]vcard.Card)}}
	// A folder below the root, whose own href go-webdav writes as "/.".
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "home"), 0o700); err != nil {
		t.Fatal(err)
	}
	files := &webdav.Handler{FileSystem: webdav.LocalFileSystem(dir)}
	mux := http.NewServeMux()
	mux.Handle("/cards/", books)
	mux.Handle("/", files)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "alice" || password != "x" {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return realm{files: true, die: s.Close, config: Config{
		Contacts: s.URL + "/cards/", Files: s.URL + "/home/",
		Credentials: Credentials{User: "alice", Password: NewSecret("x")},
	}}
}

// memory is one address book, /cards/alice/books/all/.
type memory struct {
	mu    sync.Mutex
	cards map[string]vcard.Card
}

const memoryBook = "/cards/alice/books/all/"

func (m *memory) CurrentUserPrincipal(context.Context) (string, error) { return "/cards/alice/", nil }

func (m *memory) AddressBookHomeSetPath(context.Context) (string, error) {
	return "/cards/alice/books/", nil
}

func (m *memory) ListAddressBooks(context.Context) ([]carddav.AddressBook, error) {
	return []carddav.AddressBook{{Path: memoryBook, Name: "All"}}, nil
}

func (m *memory) GetAddressBook(_ context.Context, at string) (*carddav.AddressBook, error) {
	if strings.TrimSuffix(at, "/")+"/" != memoryBook {
		return nil, webdav.NewHTTPError(http.StatusNotFound, fmt.Errorf("no such book"))
	}
	return &carddav.AddressBook{Path: memoryBook, Name: "All"}, nil
}

func (m *memory) CreateAddressBook(context.Context, *carddav.AddressBook) error {
	return webdav.NewHTTPError(http.StatusForbidden, fmt.Errorf("no"))
}

func (m *memory) DeleteAddressBook(context.Context, string) error {
	return webdav.NewHTTPError(http.StatusForbidden, fmt.Errorf("no"))
}

func (m *memory) object(at string) (*carddav.AddressObject, error) {
	card, ok := m.cards[at]
	if !ok {
		return nil, webdav.NewHTTPError(http.StatusNotFound, fmt.Errorf("no such card"))
	}
	var buf bytes.Buffer
	if err := vcard.NewEncoder(&buf).Encode(card); err != nil {
		return nil, err
	}
	return &carddav.AddressObject{Path: at, Card: card, ContentLength: int64(buf.Len()),
		ETag: fmt.Sprintf("%x", sha256.Sum256(buf.Bytes()))}, nil
}

func (m *memory) GetAddressObject(_ context.Context, at string, _ *carddav.AddressDataRequest) (*carddav.AddressObject, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.object(at)
}

func (m *memory) ListAddressObjects(context.Context, string, *carddav.AddressDataRequest) ([]carddav.AddressObject, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []carddav.AddressObject
	for at := range m.cards {
		o, err := m.object(at)
		if err != nil {
			return nil, err
		}
		list = append(list, *o)
	}
	return list, nil
}

func (m *memory) QueryAddressObjects(ctx context.Context, at string, _ *carddav.AddressBookQuery) ([]carddav.AddressObject, error) {
	return m.ListAddressObjects(ctx, at, nil)
}

func (m *memory) PutAddressObject(_ context.Context, at string, card vcard.Card, _ *carddav.PutAddressObjectOptions) (*carddav.AddressObject, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cards[path.Clean(at)] = card
	return m.object(path.Clean(at))
}

func (m *memory) DeleteAddressObject(_ context.Context, at string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.cards, at)
	return nil
}
