package obsidian

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset/datasettest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func dirs(home string) xdg.Dirs {
	return xdg.Dirs{Home: home, Config: filepath.Join(home, ".config"), Data: filepath.Join(home, ".local/share"), Cache: filepath.Join(home, ".cache")}
}

// list writes Obsidian's list of vaults.
func list(t *testing.T, config string, paths ...string) {
	t.Helper()
	all := map[string]any{}
	for _, p := range paths {
		all["id"+filepath.Base(p)] = map[string]any{"path": p, "ts": 1, "open": true}
	}
	raw, err := json.Marshal(map[string]any{"vaults": all})
	if err != nil {
		t.Fatal(err)
	}
	datasettest.Write(t, filepath.Join(config, "obsidian/obsidian.json"), string(raw))
}

func TestContractNotes(t *testing.T) {
	datasettest.Notes(t, "obsidian", func(t *testing.T) datasettest.Program {
		home := t.TempDir()
		at := filepath.Join(home, "Vault")
		return datasettest.Program{
			Finder: New(dirs(home)), Home: home,
			Put: func(t *testing.T, items ...datasettest.Item) {
				list(t, filepath.Join(home, ".config"), at)
				for _, it := range items {
					// Square brackets would show files, which is another test's.
					title := strings.NewReplacer("[", "", "]", "", "<", "").Replace(it.Title)
					datasettest.Write(t, filepath.Join(at, "folder", it.ID+".md"), "# "+title+"\n\n"+it.Body+"\n")
				}
			},
			Damage: func(t *testing.T) { datasettest.Instead(t, at) },
			Spoil: func(t *testing.T, id string) string {
				file := filepath.Join(at, "folder", id+".md")
				if err := errors.Join(os.Remove(file), os.Symlink("/dev/null", file)); err != nil {
					t.Fatal(err)
				}
				return id
			},
		}
	})
}

// TestVaults: each once, also of a Flatpak; what a note shows and the vault lacks
// fails by name.
func TestVaults(t *testing.T) {
	home := t.TempDir()
	a, b := filepath.Join(home, "A"), filepath.Join(home, "B")
	list(t, filepath.Join(home, ".config"), a, filepath.Join(home, "gone"))
	list(t, filepath.Join(home, ".var/app/md.obsidian.Obsidian/config"), a, b)
	datasettest.Write(t, filepath.Join(a, "note.md"), "![[there.png|200]] ![[lost.png]] [[Other note]]\n")
	datasettest.Write(t, filepath.Join(a, "files/there.png"), "x")
	datasettest.Write(t, filepath.Join(b, "note.md"), "x")
	stores, err := New(dirs(home)).Find(t.Context())
	if err != nil || len(stores) != 2 || stores[0].Name != "A (Obsidian)" || stores[1].Name != "B (Obsidian)" {
		t.Fatalf("%+v %v", stores, err)
	}
	for _, s := range stores {
		defer func() { _ = s.Close() }()
	}
	var ids, failed []string
	for it, err := range stores[0].List(t.Context(), source.Ref{}, nil) {
		var f *source.Failed
		switch {
		case errors.As(err, &f):
			failed = append(failed, it.Name)
		case err != nil:
			t.Fatal(err)
		default:
			ids = append(ids, it.ID)
		}
	}
	slices.Sort(ids)
	if !slices.Equal(ids, []string{"files/there.png", "note.md"}) || !slices.Equal(failed, []string{"lost.png"}) {
		t.Errorf("listed %v, failed %v", ids, failed)
	}
}

// TestListsThatAreNotUnderstood: nobody knows which vaults there are.
func TestListsThatAreNotUnderstood(t *testing.T) {
	for _, text := range []string{"", "{", `{"vaults": {"a": {"path": "here"}}}`, `{"vaults": []}`} {
		home := t.TempDir()
		datasettest.Write(t, filepath.Join(home, ".config/obsidian/obsidian.json"), text)
		if _, err := New(dirs(home)).Find(t.Context()); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func FuzzVaults(f *testing.F) {
	f.Add([]byte(`{"vaults":{"a":{"path":"/x/../y","ts":1}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		paths, err := vaults(raw)
		for _, at := range paths {
			if err != nil || !filepath.IsAbs(at) {
				t.Errorf("a vault at %q, %v", at, err)
			}
		}
	})
}
