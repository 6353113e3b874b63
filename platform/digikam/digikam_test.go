package digikam

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // databases as digiKam makes them

	"github.com/clearance-project/clearance/platform/dataset/album"
	"github.com/clearance-project/clearance/platform/dataset/album/albumtest"
	"github.com/clearance-project/clearance/platform/dataset/datasettest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func dirs(home string) xdg.Dirs {
	return xdg.Dirs{Home: home, Config: filepath.Join(home, ".config"), Data: filepath.Join(home, ".local/share"), Cache: filepath.Join(home, ".cache"), Pictures: filepath.Join(home, "Pictures")}
}

// tables are those of digiKam 7, as far as they are read.
const tables = `PRAGMA journal_mode=WAL;
CREATE TABLE AlbumRoots (id INTEGER PRIMARY KEY, label TEXT, status INTEGER NOT NULL, type INTEGER NOT NULL, identifier TEXT, specificPath TEXT, UNIQUE(identifier, specificPath));
CREATE TABLE Albums (id INTEGER PRIMARY KEY, albumRoot INTEGER NOT NULL, relativePath TEXT NOT NULL, date DATE, caption TEXT, collection TEXT, icon INTEGER, UNIQUE(albumRoot, relativePath));
CREATE TABLE Images (id INTEGER PRIMARY KEY, album INTEGER, name TEXT NOT NULL, status INTEGER NOT NULL, category INTEGER NOT NULL DEFAULT 1, UNIQUE (album, name));
CREATE TABLE ImageInformation (imageid INTEGER PRIMARY KEY, rating INTEGER);
CREATE TABLE ImageComments (id INTEGER PRIMARY KEY, imageid INTEGER, type INTEGER, language TEXT, comment TEXT);
CREATE TABLE Tags (id INTEGER PRIMARY KEY, pid INTEGER, name TEXT NOT NULL, UNIQUE(name, pid));
CREATE TABLE ImageTags (imageid INTEGER NOT NULL, tagid INTEGER NOT NULL, UNIQUE (imageid, tagid))`

// makeLibrary makes a library whose photos are in a folder, unless it is there.
func makeLibrary(t *testing.T, home, at, folder string) {
	t.Helper()
	if _, err := os.Lstat(at); err == nil {
		return
	}
	datasettest.Write(t, filepath.Join(home, ".config/digikamrc"), "[General]\nDatabase Name=/no\n[Database Settings]\nDatabase Name[$e]="+filepath.Dir(at)+"/\nDatabase Type=QSQLITE\n")
	datasettest.Database(t, at, tables)
	datasettest.Database(t, at, "INSERT INTO AlbumRoots VALUES (1, 'mine', 0, 1, ?, '/')", "volumeid:?path="+url.QueryEscape(folder))
}

func TestContractPhotos(t *testing.T) {
	datasettest.Photos(t, "digikam", func(t *testing.T) datasettest.Program {
		home := t.TempDir()
		at, photos := filepath.Join(home, "db", file), filepath.Join(home, "else where")
		return datasettest.Program{
			Finder: New(dirs(home)), Home: home,
			Put: func(t *testing.T, items ...datasettest.Item) {
				makeLibrary(t, home, at, photos)
				for _, it := range items {
					datasettest.Write(t, filepath.Join(photos, it.ID, "p.jpg"), it.Body)
					datasettest.Database(t, at, "INSERT OR IGNORE INTO Albums (albumRoot, relativePath) VALUES (1, ?)", "/"+it.ID)
					datasettest.Database(t, at, "INSERT OR IGNORE INTO Images (album, name, status) SELECT id, 'p.jpg', 1 FROM Albums WHERE relativePath=?", "/"+it.ID)
					datasettest.Database(t, at, "UPDATE Albums SET caption=? WHERE relativePath=?", it.Title+it.Body, "/"+it.ID)
				}
			},
			Damage: func(t *testing.T) { datasettest.Write(t, at, "no database") },
			Spoil: func(t *testing.T, id string) string {
				if err := os.Remove(filepath.Join(photos, id, "p.jpg")); err != nil {
					t.Fatal(err)
				}
				return id + "/p.jpg"
			},
		}
	})
}

// TestAlbums: folders and tags name their photos with what is said of them; what
// digiKam threw away, and its own tags, do not count.
func TestAlbums(t *testing.T) {
	home := t.TempDir()
	at, photos := filepath.Join(home, "db", file), filepath.Join(home, "Pictures")
	makeLibrary(t, home, at, photos)
	for _, statement := range []string{
		"INSERT INTO AlbumRoots VALUES (2, 'stick', 0, 2, 'volumeid:?uuid=no-such-disk', '/Photos')",
		"INSERT INTO Albums (id, albumRoot, relativePath, caption) VALUES (1, 1, '/2024/Sea', 'at last'), (2, 2, '/far', NULL), (3, 0, '/removed', NULL), (4, 1, '/empty', NULL)",
		"INSERT INTO Images (id, album, name, status) VALUES (1, 1, 'a.jpg', 1), (2, 1, 'trash.jpg', 3), (3, 2, 'b.jpg', 1), (4, 3, 'c.jpg', 1), (5, NULL, 'd.jpg', 1)",
		"INSERT INTO ImageInformation VALUES (1, 4), (3, -1)",
		"INSERT INTO ImageComments (imageid, type, comment) VALUES (1, 3, 'Blue'), (1, 1, 'so blue'), (9, 1, 'x')",
		"INSERT INTO Tags VALUES (1, 0, '_Digikam_Internal_Tags_'), (2, 1, 'Version'), (3, 0, 'Places'), (4, 3, 'Coast'), (5, 5, 'loop')",
		"INSERT INTO ImageTags VALUES (1, 2), (1, 4), (3, 4), (1, 5)",
	} {
		datasettest.Database(t, at, statement)
	}
	stores, err := New(dirs(home)).Find(t.Context())
	if err != nil || len(stores) != 1 || stores[0].ID != "digikam:/albums" {
		t.Fatalf("%+v %v", stores, err)
	}
	albums := albumtest.Albums(t, stores[0])
	blue := album.Photo{Path: filepath.Join(photos, "2024/Sea/a.jpg"), Title: "Blue", Comment: "so blue", Rating: 4}
	far := album.Photo{Path: "/Photos/far/b.jpg"}
	if a := albums["2024/Sea"]; a.Comment != "at last" || !slices.Equal(a.Photos, []album.Photo{blue}) {
		t.Errorf("the folder is %+v", a)
	}
	if a := albums["Places/Coast"]; !slices.Equal(a.Photos, []album.Photo{blue, far}) {
		t.Errorf("the tag is %+v", a)
	}
	if a := albums["far"]; !slices.Equal(a.Photos, []album.Photo{far}) || len(albums) != 4 {
		t.Errorf("the albums are %+v", albums)
	}
}

// TestADatabaseInTheHome: KDE's programs write $HOME and escapes.
func TestADatabaseInTheHome(t *testing.T) {
	home := t.TempDir()
	at := filepath.Join(home, " db", file)
	makeLibrary(t, home, at, home)
	datasettest.Write(t, filepath.Join(home, ".config/digikamrc"), "[Database Settings]\nDatabase Name[$e]=$HOME/\\sdb/\n")
	stores, err := New(dirs(home)).Find(t.Context())
	if err != nil || len(stores) != 1 || stores[0].ID != "digikam:/albums" || !slices.Equal(stores[0].Watched, []string{at}) {
		t.Errorf("%+v %v", stores, err)
	}
}

// TestADatabaseOfAServer says that it cannot be read.
func TestADatabaseOfAServer(t *testing.T) {
	home := t.TempDir()
	datasettest.Write(t, filepath.Join(home, ".config/digikamrc"), "[Database Settings]\nDatabase Type=QMYSQL\n")
	stores, err := New(dirs(home)).Find(t.Context())
	if err != nil || len(stores) != 1 || !strings.Contains(stores[0].Why.Text, "QMYSQL") {
		t.Errorf("%+v %v", stores, err)
	}
}

func FuzzRoot(f *testing.F) {
	f.Add("volumeid:?path=%2Fa", "/b")
	f.Add("networkshareid:?mountpath=/x", "../..")
	f.Fuzz(func(t *testing.T, identifier, specific string) {
		if strings.Contains(identifier, "uuid") {
			return // a disk is looked for
		}
		if at, _ := rootOf(identifier, specific); at != "" && !filepath.IsAbs(at) {
			t.Errorf("a root at %q", at)
		}
	})
}
