package tasks

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/backup/place"
)

// overlap reports whether two folders or files show something in common: told
// by the identity of every folder above, and by the mounts below. A link, or a
// second mount of the same folder, is no other place.
func overlap(a, b string) (bool, error) {
	p, err := place.Look(a)
	if err != nil {
		return false, err
	}
	q, err := place.Look(b)
	if err != nil {
		return false, err
	}
	if !p.Exists || !q.Exists {
		return false, nil
	}
	if place.Overlaps(&p, &q) {
		return true, nil
	}
	mounts, err := place.Mounts()
	if err != nil {
		return false, err
	}
	below, err := mountedBelow(mounts, a, &q)
	if err != nil || below {
		return below, err
	}
	return mountedBelow(mounts, b, &p)
}

// mountedBelow reports whether something that overlaps another place is mounted
// below a folder. Only mounts of that place's own file system are touched: a
// server that is dead would hold it for ever.
func mountedBelow(mounts []place.Mount, folder string, other *place.Place) (bool, error) {
	at, err := filepath.EvalSymlinks(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, m := range mounts {
		if m.Dev != other.Dev || !strings.HasPrefix(m.At, strings.TrimSuffix(at, "/")+"/") {
			continue
		}
		p, err := place.Look(m.At)
		if err != nil {
			return false, err
		}
		if place.Overlaps(&p, other) {
			return true, nil
		}
	}
	return false, nil
}
