package joplin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/xdg"
)

const (
	maxSettings = 16 << 20
	maxProfiles = 100
)

// Finder finds Joplin's databases.
type Finder struct{ dirs xdg.Dirs }

// New finds in a person's folders.
func New(dirs xdg.Dirs) *Finder { return &Finder{dirs} }

// Name is the beginning of every store's id.
func (*Finder) Name() string { return "joplin" }

// Find lists the database of every profile.
func (f *Finder) Find(ctx context.Context) ([]dataset.Store, error) {
	return dataset.InHomes(ctx, f.dirs, func(h xdg.Home) ([]dataset.Store, error) {
		var stores []dataset.Store
		for _, program := range []struct{ folder, name string }{{"joplin-desktop", "Joplin"}, {"joplin", "Joplin in the terminal"}} {
			base := filepath.Join(h.Config, program.folder)
			profiles, err := filepath.Glob(filepath.Join(xdg.Literal(base), "profile-*"))
			if err != nil {
				return stores, err
			}
			if len(profiles) > maxProfiles {
				return stores, fmt.Errorf("%s has more than %d profiles", base, maxProfiles)
			}
			for _, at := range append([]string{base}, profiles...) {
				s := dataset.Store{ID: departure.SourceID("joplin:" + h.App + ":" + program.folder + "/" + strings.TrimPrefix(filepath.Base(at), program.folder)), Name: "notes in " + program.name}
				if at != base {
					s.Name += " (" + filepath.Base(at) + ")"
				}
				if s, there := profile(s, at, base); there {
					stores = append(stores, s)
				}
			}
		}
		return stores, nil
	})
}

// profile fills the store of one profile; there is false where it has none.
func profile(s dataset.Store, at, base string) (_ dataset.Store, there bool) {
	db, files := filepath.Join(at, "database.sqlite"), filepath.Join(at, "resources")
	if _, err := os.Lstat(db); errors.Is(err, fs.ErrNotExist) {
		return s, false
	}
	s.Dataset, s.Folder, s.Watched = departure.Notes, at, []string{db, files}
	settings, err := settingsOf(filepath.Join(at, "settings.json"))
	if err == nil && len(settings) == 0 && at != base {
		settings, err = settingsOf(filepath.Join(base, "settings.json")) // what profiles share
	}
	if err != nil {
		return dataset.Unreadable(s, err), true
	}
	s.Who = whose(settings)
	n := notebook{at: db, folder: s.Name}
	n.files, err = scan.Open(files)
	switch {
	case errors.Is(err, fs.ErrNotExist): // each file fails by name
	case err != nil:
		return dataset.Unreadable(s, err), true
	default:
		s.Close = n.files.Close
	}
	s.List = n.list
	return s, true
}

// settingsOf reads a settings.json, which need not be there.
func settingsOf(at string) (map[string]any, error) {
	raw, err := xdg.ReadIfThere(at, maxSettings)
	if err != nil || raw == nil {
		return nil, err
	}
	var settings map[string]any
	if err := json.Unmarshal(raw, &settings); err != nil {
		return nil, fmt.Errorf("its settings are not understood: %w", err)
	}
	return settings, nil
}

// whose says which account the notes are kept in step with, by the number of the
// target (SyncTargetRegistry).
func whose(settings map[string]any) binding.Who {
	target := fmt.Sprint(settings["sync.target"])
	text := func(name string) string {
		s, _ := settings["sync."+target+"."+name].(string) // else none
		return s
	}
	switch target {
	case "3":
		return binding.Who{Type: "ms_graph"}
	case "5":
		return dataset.AtServer("owncloud", text("path"), text("username"))
	case "6", "9":
		return dataset.AtServer("webdav", text("path"), text("username"))
	case "7":
		return binding.Who{Type: "dropbox"}
	case "8":
		return binding.Who{Type: "s3", User: text("username"), Host: binding.Host(text("url"))}
	case "10", "11":
		return binding.Who{Type: "joplin", User: text("username"), Host: "api.joplincloud.com"}
	}
	return binding.Who{}
}
