package tasks

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/backup/place"
)

// overlaps says why a destination lies in what disappears, or around it:
// compared by the identity of every folder above, never by name. Empty: it does
// not.
func (s *survey) overlaps(p *place.Place) string {
	for _, f := range s.reserved() {
		q, err := place.Look(f.path)
		if err != nil {
			return f.path + " could not be looked at, and the copy may lie in it"
		}
		if q.Exists && place.Overlaps(p, &q) {
			return f.why
		}
	}
	return ""
}

type reserved struct{ path, why string }

// reserved are the folders in, or around, which no copy may lie: the sources,
// and what a sync client keeps of an account.
func (s *survey) reserved() []reserved {
	var rs []reserved
	for _, g := range s.job.Given {
		rs = append(rs, reserved{g.Path, "it lies in or around " + g.Path + ", which is to be copied"})
	}
	for _, b := range s.books {
		if f := b.store.Folder(); f != "" {
			rs = append(rs, reserved{f, "it lies in or around the address books and calendars that leave this device"})
		}
	}
	if s.w.cfg.Pictures != "" && s.job.Departure.Required(ownPictures) {
		rs = append(rs, reserved{s.w.cfg.Pictures, "it lies in or around the pictures that are to be copied"})
	}
	for _, f := range syncFolders(s.w.cfg.ConfigHome) {
		rs = append(rs, reserved{f, "it lies in or around " + f + ", which is kept in step with a cloud: what is deleted there is deleted here"})
	}
	return rs
}

// syncFolders are the folders that the Nextcloud and ownCloud desktop clients
// keep in step, as their configuration has them (localPath in nextcloud.cfg).
func syncFolders(configHome string) []string {
	var folders []string
	for _, name := range []string{"Nextcloud/nextcloud.cfg", "ownCloud/owncloud.cfg"} {
		f, err := os.Open(filepath.Join(configHome, name))
		if err != nil {
			continue // no such client, or nothing that this user may read
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			key, value, ok := strings.Cut(lines.Text(), "=")
			if ok && strings.HasSuffix(strings.ToLower(key), "localpath") {
				folders = append(folders, strings.TrimSpace(value))
			}
		}
		_ = f.Close() // read only
	}
	return folders
}
