// Package albumtest reads the albums of a store in tests. It imports
// platform/dataset, platform/dataset/album and backup/source; only tests import it.
package albumtest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/dataset/album"
)

// Albums are those that a store lists, by their title. Each must lie in the folder of
// albums.
func Albums(t *testing.T, store dataset.Store) map[string]album.Album {
	t.Helper()
	albums := map[string]album.Album{}
	for it, err := range store.List(t.Context(), source.Ref{}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := it.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var a album.Album
		if err := json.NewDecoder(r).Decode(&a); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(it.Path, "albums/") || strings.Count(it.Path, "/") != 1 || !strings.HasSuffix(it.Path, ".json") {
			t.Errorf("%s lies at %q", it.Name, it.Path)
		}
		albums[a.Title] = a
	}
	return albums
}
