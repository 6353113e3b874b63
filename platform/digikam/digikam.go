// Package digikam finds the albums and tags of digiKam, and the photos that it
// names outside the person's pictures. It fills dataset.Finder.
//
// It imports platform/dataset, platform/dataset/album, platform/kconfig,
// platform/sqliteread, platform/xdg, backup/place, and agent/departure for the words.
//
// Invariants:
//   - A database that a server holds cannot be read, and is one that says so.
//
// Sources: digiKam, core/data/database/dbconfig.xml.cmake.in (tables),
// core/libs/database/collection/collectionmanager_location.cpp (identifiers of
// album roots), core/libs/database/engine/dbengineparameters.cpp (digikamrc).
package digikam

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/dataset/album"
	"github.com/clearance-project/clearance/platform/kconfig"
	"github.com/clearance-project/clearance/platform/sqliteread"
	"github.com/clearance-project/clearance/platform/xdg"
)

const (
	file        = "digikam4.db"
	maxSettings = 4 << 20
	maxDepth    = 50 // of tags in one another
)

// Finder finds digiKam's libraries.
type Finder struct {
	dirs xdg.Dirs
	seen album.Seen
}

// New finds in a person's folders.
func New(dirs xdg.Dirs) *Finder { return &Finder{dirs: dirs} }

// Name is the beginning of every store's id.
func (*Finder) Name() string { return "digikam" }

// Find lists the albums of every library, and its photos.
func (f *Finder) Find(ctx context.Context) ([]dataset.Store, error) {
	return dataset.InHomes(ctx, f.dirs, func(h xdg.Home) ([]dataset.Store, error) {
		settings, err := settingsOf(h)
		if err != nil {
			return nil, err
		}
		if kind := settings["Database Type"]; kind != "" && kind != "QSQLITE" {
			s := dataset.Store{ID: departure.SourceID("digikam:" + h.App + "/albums"), Dataset: departure.Photos, Name: "albums of digiKam", Watched: []string{filepath.Join(h.Config, "digikamrc")}}
			return []dataset.Store{dataset.Unreadable(s, fmt.Errorf("a database server (%s) holds them; export them from digiKam", kind))}, nil
		}
		at := filepath.Join(settings["Database Name"], file)
		if settings["Database Name"] == "" {
			at = filepath.Join(f.dirs.Pictures, file)
		}
		if !filepath.IsAbs(at) || (settings == nil && h.App != "") || !album.There(at) {
			return nil, nil
		}
		p := album.Program{Finder: "digikam", ID: h.App, Name: "digiKam", At: at, Dirs: f.dirs, Seen: &f.seen, Library: library}
		return p.Stores(ctx), nil
	})
}

// settingsOf reads the group of the database; nil where there is no file.
func settingsOf(h xdg.Home) (map[string]string, error) {
	raw, err := xdg.ReadIfThere(filepath.Join(h.Config, "digikamrc"), maxSettings)
	if err != nil || raw == nil {
		return nil, err
	}
	return kconfig.Group(raw, "Database Settings", h.Home)
}

// What an image's status says. Source: coredbconstants.h.
const lastShown = 2 // visible or hidden; beyond it are the trash and what is obsolete

type picture struct {
	album.Photo
	folder int64
}

// library reads the tables.
func library(ctx context.Context, s *sqliteread.Snapshot) (lib album.Library, err error) {
	roots, here := make(map[int64]string), make(map[int64]bool)
	err = s.Rows(ctx, "AlbumRoots", []string{"id", "label", "identifier", "specificPath"}, func(r sqliteread.Values) error {
		roots[r.Int("id")], here[r.Int("id")] = rootOf(r.Text("identifier"), r.Text("specificPath"))
		return nil
	})
	if err != nil {
		return lib, err
	}
	folders, at := make(map[int64]string), make(map[int64]int)
	present := make(map[int64]bool)
	err = s.Rows(ctx, "Albums", []string{"id", "albumRoot", "relativePath", "caption"}, func(r sqliteread.Values) error {
		id, root := r.Int("id"), r.Int("albumRoot")
		if roots[root] == "" {
			return nil // the place that holds what was removed
		}
		folders[id], present[id] = filepath.Join(roots[root], r.Text("relativePath")), here[root]
		at[id] = len(lib.Albums)
		lib.Albums = append(lib.Albums, album.Album{ID: fmt.Sprintf("folder:%d", id), Title: strings.Trim(r.Text("relativePath"), "/"), Kind: "folder", Comment: r.Text("caption")})
		return nil
	})
	if err != nil {
		return lib, err
	}
	pictures, order, err := images(ctx, s, folders)
	if err != nil {
		return lib, err
	}
	for _, id := range order {
		p := pictures[id]
		i := at[p.folder]
		lib.Albums[i].Photos = append(lib.Albums[i].Photos, p.Photo)
		if present[p.folder] {
			lib.Files = append(lib.Files, p.Path)
		}
	}
	lib.Albums = slices.DeleteFunc(lib.Albums, func(a album.Album) bool { return len(a.Photos) == 0 })
	return lib, tags(ctx, s, pictures, order, &lib)
}

// rootOf is the folder of an album root, and whether it can be on this device: a
// disk may not be plugged in.
func rootOf(identifier, specific string) (at string, here bool) {
	u, err := url.Parse(identifier)
	if err != nil || specific == "" {
		return "", false
	}
	if base := u.Query().Get("path"); base != "" {
		return filepath.Join("/", base, specific), u.Scheme == "volumeid" // a share of the network is at no path
	}
	if uuid := u.Query().Get("uuid"); uuid != "" {
		for _, id := range []string{uuid, strings.ToLower(uuid), strings.ToUpper(uuid)} {
			found, err := place.Find("uuid:"+id, filepath.Clean("/"+specific))
			if err == nil && len(found) > 0 {
				return found[0].Path, true
			}
		}
	}
	return filepath.Clean("/" + specific), false
}

// images reads the pictures that are shown, and what is said of each.
func images(ctx context.Context, s *sqliteread.Snapshot, folders map[int64]string) (map[int64]*picture, []int64, error) {
	pictures := make(map[int64]*picture)
	var order []int64
	err := s.Rows(ctx, "Images", []string{"id", "album", "name", "status"}, func(r sqliteread.Values) error {
		folder, ok := folders[r.Int("album")]
		if !ok || r.Int("status") > lastShown {
			return nil
		}
		id := r.Int("id")
		pictures[id] = &picture{album.Photo{Path: filepath.Join(folder, r.Text("name"))}, r.Int("album")}
		order = append(order, id)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	err = sqliteread.IfThere(s.Rows(ctx, "ImageComments", []string{"imageid", "type", "comment"}, func(r sqliteread.Values) error {
		p := pictures[r.Int("imageid")]
		switch {
		case p == nil:
		case r.Int("type") == 3: // DatabaseComment::Title
			p.Title = r.Text("comment")
		case r.Int("type") == 1:
			p.Comment = r.Text("comment")
		}
		return nil
	}))
	if err != nil {
		return nil, nil, err
	}
	err = sqliteread.IfThere(s.Rows(ctx, "ImageInformation", []string{"imageid", "rating"}, func(r sqliteread.Values) error {
		if p := pictures[r.Int("imageid")]; p != nil {
			p.Rating = max(0, r.Int("rating"))
		}
		return nil
	}))
	return pictures, order, err
}

// internalTags is where digiKam keeps tags that no person made.
const internalTags = "_Digikam_Internal_Tags_"

// tags adds an album for every tag that a person gave.
func tags(ctx context.Context, s *sqliteread.Snapshot, pictures map[int64]*picture, order []int64, lib *album.Library) error {
	type tag struct {
		name   string
		parent int64
	}
	known := make(map[int64]tag)
	var ids []int64
	err := sqliteread.IfThere(s.Rows(ctx, "Tags", []string{"id", "pid", "name"}, func(r sqliteread.Values) error {
		known[r.Int("id")] = tag{r.Text("name"), r.Int("pid")}
		ids = append(ids, r.Int("id"))
		return nil
	}))
	if err != nil {
		return err
	}
	given := make(map[int64]map[int64]bool)
	err = sqliteread.IfThere(s.Rows(ctx, "ImageTags", []string{"imageid", "tagid"}, func(r sqliteread.Values) error {
		if given[r.Int("tagid")] == nil {
			given[r.Int("tagid")] = make(map[int64]bool)
		}
		given[r.Int("tagid")][r.Int("imageid")] = true
		return nil
	}))
	if err != nil {
		return err
	}
	for _, id := range ids {
		var names []string
		for at := id; len(names) < maxDepth; {
			t, ok := known[at]
			if !ok {
				break
			}
			names, at = append(names, t.name), t.parent
		}
		slices.Reverse(names)
		a := album.Album{ID: fmt.Sprintf("tag:%d", id), Title: strings.Join(names, "/"), Kind: "tag"}
		if slices.Contains(names, internalTags) {
			continue
		}
		for _, image := range order {
			if given[id][image] {
				a.Photos = append(a.Photos, pictures[image].Photo)
			}
		}
		if len(a.Photos) > 0 {
			lib.Albums = append(lib.Albums, a)
		}
	}
	return nil
}
