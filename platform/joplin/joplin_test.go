package joplin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // databases as Joplin makes them

	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/dataset/datasettest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func dirs(home string) xdg.Dirs {
	return xdg.Dirs{Home: home, Config: filepath.Join(home, ".config"), Data: filepath.Join(home, ".local/share"), Cache: filepath.Join(home, ".cache")}
}

// tables are those of a Joplin of version 3, as far as they are read.
const tables = "CREATE TABLE folders (id TEXT PRIMARY KEY, title TEXT NOT NULL DEFAULT '', created_time INT NOT NULL DEFAULT 0, updated_time INT NOT NULL DEFAULT 0, parent_id TEXT NOT NULL DEFAULT '');" +
	"CREATE TABLE notes (id TEXT PRIMARY KEY, parent_id TEXT NOT NULL DEFAULT '', title TEXT NOT NULL DEFAULT '', body TEXT NOT NULL DEFAULT '', created_time INT NOT NULL DEFAULT 0, updated_time INT NOT NULL DEFAULT 0," +
	" is_conflict INT NOT NULL DEFAULT 0, latitude NUMERIC NOT NULL DEFAULT 0, source_url TEXT NOT NULL DEFAULT '', is_todo INT NOT NULL DEFAULT 0, todo_due INT NOT NULL DEFAULT 0, todo_completed INT NOT NULL DEFAULT 0," +
	" `order` NUMERIC NOT NULL DEFAULT 0, user_updated_time INT NOT NULL DEFAULT 0, encryption_cipher_text TEXT NOT NULL DEFAULT '', encryption_applied INT NOT NULL DEFAULT 0, markup_language INT NOT NULL DEFAULT 1, deleted_time INT NOT NULL DEFAULT 0);" +
	"CREATE TABLE tags (id TEXT PRIMARY KEY, title TEXT NOT NULL DEFAULT '');" +
	"CREATE TABLE note_tags (id TEXT PRIMARY KEY, note_id TEXT NOT NULL, tag_id TEXT NOT NULL);" +
	"CREATE TABLE resources (id TEXT PRIMARY KEY, title TEXT NOT NULL DEFAULT '', mime TEXT NOT NULL DEFAULT '', filename TEXT NOT NULL DEFAULT '', updated_time INT NOT NULL DEFAULT 0, file_extension TEXT NOT NULL DEFAULT ''," +
	" encryption_applied INT NOT NULL DEFAULT 0, encryption_blob_encrypted INT NOT NULL DEFAULT 0, size INT NOT NULL DEFAULT -1);"

// database makes a profile's database, unless it is there.
func database(t *testing.T, at string) {
	t.Helper()
	if _, err := os.Lstat(at); err != nil {
		datasettest.Database(t, at, tables)
	}
}

func TestContractNotes(t *testing.T) {
	datasettest.Notes(t, "joplin", func(t *testing.T) datasettest.Program {
		home := t.TempDir()
		at := filepath.Join(home, ".config/joplin-desktop/database.sqlite")
		return datasettest.Program{
			Finder: New(dirs(home)), Home: home,
			Put: func(t *testing.T, items ...datasettest.Item) {
				database(t, at)
				for _, it := range items {
					datasettest.Database(t, at, "INSERT OR REPLACE INTO notes (id, title, body, latitude) VALUES (?, ?, ?, 1.5)", it.ID, it.Title, it.Body)
				}
			},
			Damage: func(t *testing.T) { datasettest.Write(t, at, "no database") },
			Spoil: func(t *testing.T, id string) string {
				datasettest.Database(t, at, "UPDATE notes SET encryption_applied=1, title='', body='' WHERE id=?", id)
				return "encrypted note " + id
			},
		}
	})
}

// TestAWholeNotebook: notebooks are folders, tags, tasks and files are kept, and
// links lead to where the files lie.
func TestAWholeNotebook(t *testing.T) {
	home := t.TempDir()
	base := filepath.Join(home, ".config/joplin-desktop")
	at := filepath.Join(base, "database.sqlite")
	database(t, at)
	picture, other, lost, secret := strings.Repeat("a", 32), strings.Repeat("b", 32), strings.Repeat("c", 32), strings.Repeat("d", 32)
	note := strings.Repeat("1", 32)
	do := func(statement string, args ...any) { t.Helper(); datasettest.Database(t, at, statement, args...) }
	do("INSERT INTO folders (id, title, parent_id) VALUES ('f1', 'Work / life', ''), ('f2', 'Plans', 'f1'), ('f3', 'loop', 'f3')")
	do("INSERT INTO notes (id, parent_id, title, body, is_todo, todo_due, todo_completed, user_updated_time) VALUES (?, 'f2', 'Buy (it)', ?, 1, 1719820800000, 0, 1719820800000)", note,
		"![](:/"+picture+") [other](:/"+other+") :/"+strings.Repeat("e", 32))
	do("INSERT INTO notes (id, parent_id, title, body, deleted_time) VALUES (?, 'f3', 'Other', 'text', 1719820800000)", other)
	do("INSERT INTO tags VALUES ('t1', 'red'), ('t2', 'blue')")
	do("INSERT INTO note_tags VALUES ('x', ?, 't1'), ('y', ?, 't2')", note, note)
	do("INSERT INTO resources (id, title, file_extension, encryption_blob_encrypted) VALUES (?, 'p.png', 'png', 0), (?, 'lost.pdf', 'pdf', 0), (?, 'secret.txt', 'txt', 1)", picture, lost, secret)
	datasettest.Write(t, filepath.Join(base, "resources", picture+".png"), "picture")
	datasettest.Write(t, filepath.Join(base, "settings.json"), `{"sync.target": 5, "sync.5.path": "https://Cloud.example/remote.php/webdav/Joplin", "sync.5.username": "alice"}`)
	app := filepath.Join(home, ".var/app/net.cozic.joplin_desktop/config/joplin-desktop/profile-x")
	database(t, filepath.Join(app, "database.sqlite"))

	stores, err := New(dirs(home)).Find(t.Context())
	if err != nil || len(stores) != 2 {
		t.Fatalf("%+v %v", stores, err)
	}
	s := stores[0]
	defer func() { _ = s.Close() }()
	if s.Who.Identity() != "alice@cloud.example" || s.Who.Type != "owncloud" || s.Goes || stores[1].ID != "joplin:net.cozic.joplin_desktop:joplin-desktop/profile-x" || stores[1].Who.Host != "" {
		t.Errorf("%+v, %+v", s, stores[1])
	}
	paths, failed := map[string]string{}, []string{}
	for it, err := range s.List(t.Context(), source.Ref{}, nil) {
		var f *source.Failed
		if errors.As(err, &f) {
			failed = append(failed, fmt.Sprint(it.Name, " ", f.Reason))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if it.File != nil {
			paths[it.Path] = "a file"
			continue
		}
		paths[it.Path] = content1(t, &it)
	}
	if slices.Sort(failed); !slices.Equal(failed, []string{"lost.pdf only-in-cloud", "secret.txt unreadable"}) {
		t.Errorf("failed: %v", failed)
	}
	want := "# [ ] Buy (it)\n\n![](../../_resources/" + picture + ".png) [other](../../loop/loop/loop/loop/loop/loop/loop/loop/Other%20bbbbbbbb.md) :/" + strings.Repeat("e", 32) +
		"\n\nNotebook: Work / life / Plans\n\nTags: blue, red\n\nDue: 2024-07-01 08:00 UTC\n"
	if got := paths["Work _ life/Plans/Buy (it) 11111111.md"]; got != want {
		t.Errorf("the note is %q, want %q; of %v", got, want, paths)
	}
	if !strings.Contains(paths["Work _ life/Plans/Buy (it) 11111111.json"], `"todo_due": 1719820800000`) || paths["_resources/"+picture+".png"] != "a file" ||
		!strings.Contains(paths["loop/loop/loop/loop/loop/loop/loop/loop/Other bbbbbbbb.md"], "In the trash since: 2024-07-01") {
		t.Errorf("the files are %v", paths)
	}
}

func content1(t *testing.T, it *source.Item) string {
	t.Helper()
	r, err := it.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, it.Size)
	if _, err := r.Read(raw); err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestWhoseNotes: by the target of the synchronisation.
func TestWhoseNotes(t *testing.T) {
	for target, want := range map[int]string{0: " @", 2: " @", 3: "ms_graph @", 6: "webdav a@dav.example", 7: "dropbox @", 9: "webdav a@dav.example", 10: "joplin a@api.joplincloud.com"} {
		settings := map[string]any{"sync.target": float64(target), fmt.Sprintf("sync.%d.path", target): "https://dav.example/x", fmt.Sprintf("sync.%d.username", target): "a"}
		w := whose(settings)
		if got := fmt.Sprintf("%s %s@%s", w.Type, w.User, w.Host); got != want {
			t.Errorf("target %d is %q, want %q", target, got, want)
		}
	}
}

// TestSettingsThatAreNotUnderstood: nobody knows whose the notes are.
func TestSettingsThatAreNotUnderstood(t *testing.T) {
	home := t.TempDir()
	base := filepath.Join(home, ".config/joplin-desktop")
	database(t, filepath.Join(base, "database.sqlite"))
	datasettest.Write(t, filepath.Join(base, "settings.json"), "{")
	stores, err := New(dirs(home)).Find(t.Context())
	if err != nil || len(stores) != 1 || stores[0].Why.Text == "" || stores[0].List != nil {
		t.Errorf("%+v %v", stores, err)
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add("title", "![](:/"+strings.Repeat("a", 32)+")", "book", "pdf")
	f.Fuzz(func(t *testing.T, title, body, book, ext string) {
		c := &content{books: map[string]row{"f": {"id": "f", "title": book}}}
		note := row{"id": strings.Repeat("b", 32), "parent_id": "f", "title": title, "body": body}
		file := row{"id": strings.Repeat("a", 32), "file_extension": ext}
		at := c.place(note) + ".md"
		if !filepath.IsLocal(at) || strings.Count(at, "/") != 1 || !filepath.IsLocal(fileName(file)) || strings.Contains(fileName(file), "/") {
			t.Errorf("it lies at %q and %q", at, fileName(file))
		}
		if raw := c.markdown(note, at, map[string]string{file.Text("id"): filesFolder + "/" + fileName(file)}); len(raw) == 0 {
			t.Error("it is empty")
		}
		_ = dataset.Rev(c.master(note))
	})
}
