package shotwell

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	_ "github.com/mattn/go-sqlite3" // databases as Shotwell makes them

	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset/album"
	"github.com/clearance-project/clearance/platform/dataset/album/albumtest"
	"github.com/clearance-project/clearance/platform/dataset/datasettest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func dirs(home string) xdg.Dirs {
	return xdg.Dirs{Home: home, Config: filepath.Join(home, ".config"), Data: filepath.Join(home, ".local/share"), Cache: filepath.Join(home, ".cache"), Pictures: filepath.Join(home, "Pictures")}
}

// tables are those of Shotwell 0.30, as far as they are read.
const tables = `CREATE TABLE PhotoTable (id INTEGER PRIMARY KEY, filename TEXT UNIQUE NOT NULL, width INTEGER, height INTEGER, event_id INTEGER, transformations TEXT, md5 TEXT, flags INTEGER DEFAULT 0, rating INTEGER DEFAULT 0, title TEXT, comment TEXT);
CREATE TABLE VideoTable (id INTEGER PRIMARY KEY, filename TEXT UNIQUE NOT NULL, event_id INTEGER, rating INTEGER DEFAULT 0, title TEXT, comment TEXT);
CREATE TABLE EventTable (id INTEGER PRIMARY KEY, name TEXT, primary_photo_id INTEGER, time_created INTEGER, primary_source_id TEXT, comment TEXT);
CREATE TABLE TagTable (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, photo_id_list TEXT, time_created INTEGER)`

func database(t *testing.T, at string) {
	t.Helper()
	if _, err := os.Lstat(at); err != nil {
		datasettest.Database(t, at, tables)
	}
}

func TestContractPhotos(t *testing.T) {
	datasettest.Photos(t, "shotwell", func(t *testing.T) datasettest.Program {
		home := t.TempDir()
		at := filepath.Join(home, ".local/share/shotwell/data/photo.db")
		photos := filepath.Join(home, "elsewhere")
		return datasettest.Program{
			Finder: New(dirs(home)), Home: home,
			Put: func(t *testing.T, items ...datasettest.Item) {
				database(t, at)
				for _, it := range items {
					file := filepath.Join(photos, it.ID+".jpg")
					datasettest.Write(t, file, it.Body)
					datasettest.Database(t, at, "DELETE FROM PhotoTable WHERE filename=?", file)
					datasettest.Database(t, at, "INSERT INTO PhotoTable (filename, event_id, title, comment) VALUES (?, 1, ?, ?)", file, it.Title, it.Body)
					datasettest.Database(t, at, "INSERT INTO TagTable (name, photo_id_list) SELECT ?, printf('thumb%016x,', id) FROM PhotoTable WHERE filename=? ON CONFLICT (name) DO UPDATE SET photo_id_list=excluded.photo_id_list", it.ID, file)
				}
			},
			Damage: func(t *testing.T) { datasettest.Write(t, at, "no database") },
			Spoil: func(t *testing.T, id string) string {
				file := filepath.Join(photos, id+".jpg")
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
				return file
			},
		}
	})
}

// TestAlbums: events and tags name their photos and films; only photos outside
// the person's pictures are listed themselves.
func TestAlbums(t *testing.T) {
	home := t.TempDir()
	at := filepath.Join(home, ".var/app/org.gnome.Shotwell/data/shotwell/data/photo.db")
	database(t, at)
	datasettest.Database(t, at, "INSERT INTO EventTable (id, name, comment) VALUES (1, 'Sea', 'at last'), (2, NULL, NULL)")
	datasettest.Database(t, at, "INSERT INTO PhotoTable (id, filename, event_id, rating, title, transformations) VALUES (26, ?, 1, 5, 'Blue', '[crop]'), (2, ?, 2, 0, NULL, NULL)",
		filepath.Join(home, "Pictures/a.jpg"), filepath.Join(home, "b.jpg"))
	datasettest.Database(t, at, "INSERT INTO VideoTable (id, filename, event_id) VALUES (2, '/gone/film.mp4', 1)")
	datasettest.Database(t, at, "INSERT INTO TagTable (name, photo_id_list) VALUES ('/Places/Sea', 'thumb000000000000001a,video-0000000000000002,'), ('old', '2,99,')")
	datasettest.Write(t, filepath.Join(home, "b.jpg"), "b")
	link := filepath.Join(t.TempDir(), "home")
	if err := os.Symlink(home, link); err != nil {
		t.Fatal(err)
	}
	datasettest.Database(t, at, "UPDATE PhotoTable SET filename=? WHERE id=2", filepath.Join(link, "b.jpg"))
	stores, err := New(dirs(home)).Find(t.Context())
	if err != nil || len(stores) != 2 || stores[0].ID != "shotwell:org.gnome.Shotwell/albums" {
		t.Fatalf("%+v %v", stores, err)
	}
	defer func() { _ = stores[1].Close() }()
	albums := albumtest.Albums(t, stores[0])
	blue := album.Photo{Path: filepath.Join(home, "Pictures/a.jpg"), Title: "Blue", Rating: 5, Edits: "[crop]"}
	film := album.Photo{Path: "/gone/film.mp4"}
	if a := albums["Sea"]; a.Kind != "event" || a.Comment != "at last" || !slices.Equal(a.Photos, []album.Photo{blue, film}) {
		t.Errorf("the event is %+v", a)
	}
	if a := albums["Places/Sea"]; a.Kind != "tag" || !slices.Equal(a.Photos, []album.Photo{blue, film}) {
		t.Errorf("the tag is %+v", a)
	}
	if len(albums["old"].Photos) != 1 || len(albums["event without a name"].Photos) != 1 || len(albums) != 4 {
		t.Errorf("the albums are %+v", albums)
	}
	var names []string
	for it, err := range stores[1].List(t.Context(), source.Ref{}, nil) {
		var f *source.Failed
		if errors.As(err, &f) {
			names = append(names, it.Name+" failed")
		} else {
			names = append(names, it.Name)
		}
	}
	if slices.Sort(names); !slices.Equal(names, []string{"b.jpg", "film.mp4 failed"}) {
		t.Errorf("outside are %v", names)
	}
}

func FuzzTagged(f *testing.F) {
	f.Add("thumb000000000000001a,video-0000000000000002,3,")
	f.Fuzz(func(t *testing.T, list string) {
		if slices.Contains(tagged(list), "") {
			t.Error("an empty id")
		}
	})
}
