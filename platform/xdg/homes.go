package xdg

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Home are the base folders of one kind of program: those of the session, or of
// one Flatpak or Snap, which sees others.
type Home struct {
	// App is the Flatpak's or Snap's id, "" for the session's own.
	App string
	// Home is what the programs see as the home; files outside the base folders
	// (~/.thunderbird) lie in it.
	Home, Config, Data, Cache string
}

// maxApps bounds the sandboxed programs of one person.
const maxApps = 2000

// Homes are the session's own base folders, and those of each Flatpak
// (~/.var/app/<id>) and Snap (~/snap/<name>/common and current) that has run. They need not
// exist. An error means that some are not known.
// Sources: Flatpak's documentation, "Sandbox permissions"; snapcraft.io,
// "Data locations".
func (d Dirs) Homes() ([]Home, error) {
	homes := []Home{{Home: d.Home, Config: d.Config, Data: d.Data, Cache: d.Cache}}
	flatpaks, err := folders(filepath.Join(d.Home, ".var/app"))
	for _, id := range flatpaks {
		at := filepath.Join(d.Home, ".var/app", id)
		homes = append(homes, Home{App: id, Home: at, Config: filepath.Join(at, "config"), Data: filepath.Join(at, "data"), Cache: filepath.Join(at, "cache")})
	}
	snaps, errSnaps := folders(filepath.Join(d.Home, "snap"))
	for _, name := range snaps {
		for _, part := range []string{"common", "current"} {
			at := filepath.Join(d.Home, "snap", name, part)
			homes = append(homes, Home{App: name, Home: at, Config: filepath.Join(at, ".config"), Data: filepath.Join(at, ".local/share"), Cache: filepath.Join(at, ".cache")})
		}
	}
	return homes, errors.Join(err, errSnaps)
}

// folders are the names of the folders in one that need not exist.
func folders(at string) ([]string, error) {
	entries, err := ReadDir(at, maxApps)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		is, err := isFolder(at, e)
		if err != nil {
			return nil, err
		}
		if is {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// isFolder reports whether an entry is a folder, or a link to one: a person moves
// a program's data to another disk so.
func isFolder(at string, e fs.DirEntry) (bool, error) {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir(), nil
	}
	info, err := os.Stat(filepath.Join(at, e.Name()))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // it leads nowhere now, and what it led to is not here
	}
	return err == nil && info.IsDir(), err
}
