package tasks

import (
	"context"
	"errors"
	"slices"

	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/platform/nextcloudclient"
)

// overlaps says why a destination lies in what disappears, or around it:
// compared by the identity of every folder above, never by name. Empty: it does
// not.
func (s *survey) overlaps(ctx context.Context, p *place.Place) string {
	all, err := s.reserved(ctx)
	if err != nil {
		return "it is not known which folders are kept in step with a cloud, and the copy may lie in one: " + err.Error()
	}
	for _, f := range all {
		q, err := s.w.lookAt(ctx, f.path)
		if err != nil {
			return f.path + " could not be looked at, and the copy may lie in it: " + err.Error()
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
func (s *survey) reserved(ctx context.Context) (rs []reserved, err error) {
	for _, g := range s.job.Given {
		rs = append(rs, reserved{g.Path, "it lies in or around " + g.Path + ", which is to be copied"})
	}
	for _, b := range s.books {
		if f := b.store.Folder(); f != "" {
			rs = append(rs, reserved{f, "it lies in or around the address books and calendars that leave this device"})
		}
	}
	for _, st := range s.stores {
		if st.folder != "" {
			rs = append(rs, reserved{st.folder, "it lies in or around " + st.folder + ", where " + st.src.Name + " is kept"})
		}
	}
	if s.w.cfg.Dirs.Pictures != "" && s.job.Departure.Required(ownPictures) {
		rs = append(rs, reserved{s.w.cfg.Dirs.Pictures, "it lies in or around the pictures that are to be copied"})
	}
	folders, err := s.w.syncClientFolders(ctx)
	for _, f := range slices.Concat(s.in.folders, folders) {
		rs = append(rs, reserved{f, "it lies in or around " + f + ", which is kept in step with a cloud: what is deleted there is deleted here"})
	}
	return rs, errors.Join(err, s.in.unknown)
}

// syncClientFolders are the folders that a sync client of this device is set up to
// keep in step with a cloud.
func (w *Worker) syncClientFolders(ctx context.Context) ([]string, error) {
	return askedOf(ctx, w, "nextcloudclient", func(context.Context) ([]string, error) { return nextcloudclient.Folders(w.cfg.Dirs) }, nil)
}
