// Package shotwell finds the events and tags of Shotwell, and the photos that it
// names outside the person's pictures. It fills dataset.Finder.
//
// It imports platform/dataset, platform/dataset/album, platform/sqliteread and
// platform/xdg.
//
// Source of the tables: Shotwell, src/db/PhotoTable.vala, VideoTable.vala,
// EventTable.vala and TagTable.vala; of the ids in a tag, src/Photo.vala and
// src/video-support/Video.vala (thumb and video- before 16 hexadecimal digits).
package shotwell

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/dataset/album"
	"github.com/clearance-project/clearance/platform/sqliteread"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Finder finds Shotwell's libraries.
type Finder struct {
	dirs xdg.Dirs
	seen album.Seen
}

// New finds in a person's folders.
func New(dirs xdg.Dirs) *Finder { return &Finder{dirs: dirs} }

// Name is the beginning of every store's id.
func (*Finder) Name() string { return "shotwell" }

// Find lists the albums of every library, and its photos.
func (f *Finder) Find(ctx context.Context) ([]dataset.Store, error) {
	return dataset.InHomes(ctx, f.dirs, func(h xdg.Home) ([]dataset.Store, error) {
		at := filepath.Join(h.Data, "shotwell/data/photo.db")
		if !album.There(at) {
			return nil, nil
		}
		p := album.Program{Finder: "shotwell", ID: h.App, Name: "Shotwell", At: at, Dirs: f.dirs, Seen: &f.seen, Library: library}
		return p.Stores(ctx), nil
	})
}

// picture is one row of photos or films.
type picture struct {
	album.Photo
	event int64
}

// library reads the tables.
func library(ctx context.Context, s *sqliteread.Snapshot) (lib album.Library, err error) {
	pictures := make(map[string]picture) // by the id that tags use
	var order []string
	columns := []string{"id", "filename", "title", "comment", "event_id", "rating", "transformations"}
	for _, t := range []struct{ table, prefix string }{{"PhotoTable", "thumb"}, {"VideoTable", "video-"}} {
		err := s.Rows(ctx, t.table, columns, func(r sqliteread.Values) error {
			id := fmt.Sprintf("%s%016x", t.prefix, r.Int("id"))
			pictures[id] = picture{album.Photo{Path: r.Text("filename"), Title: r.Text("title"), Comment: r.Text("comment"), Rating: r.Int("rating"), Edits: r.Text("transformations")}, r.Int("event_id")}
			order = append(order, id)
			lib.Files = append(lib.Files, r.Text("filename"))
			return nil
		})
		if t.table != "PhotoTable" {
			err = sqliteread.IfThere(err)
		}
		if err != nil {
			return lib, err
		}
	}
	err = s.Rows(ctx, "EventTable", []string{"id", "name", "comment"}, func(r sqliteread.Values) error {
		a := album.Album{ID: fmt.Sprintf("event:%d", r.Int("id")), Title: r.Text("name"), Kind: "event", Comment: r.Text("comment")}
		if a.Title == "" {
			a.Title = "event without a name"
		}
		lib.Albums = append(lib.Albums, a)
		return nil
	})
	if err != nil {
		return lib, err
	}
	at := make(map[string]int)
	for i, a := range lib.Albums {
		at[a.ID] = i
	}
	for _, id := range order {
		if i, ok := at[fmt.Sprintf("event:%d", pictures[id].event)]; ok {
			lib.Albums[i].Photos = append(lib.Albums[i].Photos, pictures[id].Photo)
		}
	}
	err = sqliteread.IfThere(s.Rows(ctx, "TagTable", []string{"id", "name", "photo_id_list"}, func(r sqliteread.Values) error {
		a := album.Album{ID: fmt.Sprintf("tag:%d", r.Int("id")), Title: strings.TrimPrefix(r.Text("name"), "/"), Kind: "tag"}
		for _, id := range tagged(r.Text("photo_id_list")) {
			if p, ok := pictures[id]; ok {
				a.Photos = append(a.Photos, p.Photo)
			}
		}
		lib.Albums = append(lib.Albums, a)
		return nil
	}))
	return lib, err
}

// tagged are the ids in a tag's list: older versions have plain numbers.
func tagged(list string) []string {
	var ids []string
	for id := range strings.SplitSeq(list, ",") {
		id = strings.TrimSpace(id)
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			id = fmt.Sprintf("thumb%016x", n)
		}
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}
