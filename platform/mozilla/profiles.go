package mozilla

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/platform/inifile"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Program is one whose profiles are looked for.
type Program struct {
	Name   string   // as shown to a person
	home   []string // folders with profiles, below the home
	config []string // and below the configuration folder
}

// The programs, with what is built from them and keeps its profiles elsewhere.
var (
	Firefox = Program{Name: "Firefox", home: []string{".mozilla/firefox", ".librewolf", ".waterfox"},
		config: []string{"mozilla/firefox", "librewolf/librewolf"}}
	Thunderbird = Program{Name: "Thunderbird", home: []string{".thunderbird", ".icedove"}, config: []string{"thunderbird"}}
)

// Profile is a folder with the settings of one person's use of a program.
type Profile struct {
	App  string // the Flatpak or Snap whose it is, "" for the session's own
	Name string // as the program shows it, or the folder's name
	Path string // absolute
}

// The limits of a home.
const (
	maxProfiles = 500
	maxIni      = 1 << 20
)

// Profiles are those of every home. None of them need hold anything.
func (p Program) Profiles(dirs xdg.Dirs) ([]Profile, error) {
	homes, err := dirs.Homes()
	if err != nil {
		return nil, fmt.Errorf("cannot look for profiles of %s: %w", p.Name, err)
	}
	var all []Profile
	for _, home := range homes {
		for _, root := range p.roots(home) {
			found, err := profiles(root)
			if err != nil {
				return nil, fmt.Errorf("cannot look for profiles of %s in %s: %w", p.Name, root, err)
			}
			for _, profile := range found {
				profile.App = home.App
				if !slices.ContainsFunc(all, func(k Profile) bool { return k.Path == profile.Path }) {
					all = append(all, profile)
				}
			}
		}
	}
	return all, nil
}

// Lists are the files from which it is seen that a profile was made or removed.
func (p Program) Lists(dirs xdg.Dirs) []string {
	// Homes that cannot be listed fail Profiles, which says so.
	homes, _ := dirs.Homes()
	var lists []string
	for _, home := range homes {
		for _, root := range p.roots(home) {
			lists = append(lists, filepath.Join(root, "profiles.ini"))
		}
	}
	return lists
}

func (p Program) roots(home xdg.Home) []string {
	var roots []string
	for _, at := range p.home {
		roots = append(roots, filepath.Join(home.Home, at))
	}
	for _, at := range p.config {
		roots = append(roots, filepath.Join(home.Config, at))
	}
	return roots
}

// profiles are those of one root: those that profiles.ini names, and every folder
// there that has settings.
func profiles(root string) ([]Profile, error) {
	all, err := listed(root)
	if err != nil {
		return nil, err
	}
	for _, below := range []string{root, filepath.Join(root, "Profiles")} {
		names, err := folders(below)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			at := filepath.Join(below, name)
			if slices.ContainsFunc(all, func(k Profile) bool { return k.Path == at }) {
				continue
			}
			if _, err := os.Lstat(filepath.Join(at, "prefs.js")); err == nil {
				all = append(all, Profile{Name: name, Path: at})
			} else if !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
	}
	if len(all) > maxProfiles {
		return nil, fmt.Errorf("%d profiles are more than the %d that can be handled", len(all), maxProfiles)
	}
	return all, nil
}

// listed are the profiles of profiles.ini.
func listed(root string) ([]Profile, error) {
	raw, err := xdg.ReadIfThere(filepath.Join(root, "profiles.ini"), maxIni)
	if err != nil {
		return nil, err
	}
	return parseIni(root, string(raw))
}

// dialect is that of Mozilla's nsINIParser.
var dialect = inifile.Dialect{MaxBytes: maxIni, Comments: "#;", Part: "=", Spaces: true}

// parseIni reads the groups [Profile0] and so on. What is not understood is passed
// over, as Mozilla does.
func parseIni(root, text string) ([]Profile, error) {
	file, err := dialect.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the list of profiles: %w", err)
	}
	var all []Profile
	for _, g := range file {
		values := g.Values()
		at := values["Path"]
		if !strings.HasPrefix(g.Name, "Profile") || at == "" {
			continue
		}
		if values["IsRelative"] != "0" {
			at = filepath.Join(root, at)
		}
		if filepath.IsAbs(at) {
			all = append(all, Profile{Name: values["Name"], Path: filepath.Clean(at)})
		}
	}
	return all, nil
}

// folders are the names of the folders in one that need not exist.
func folders(at string) ([]string, error) {
	entries, err := xdg.ListIfThere(at, 10*maxProfiles)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
