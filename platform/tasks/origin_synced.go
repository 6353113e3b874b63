package tasks

import (
	"context"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/cloud/dav"
)

// findSynced adds the folders that a sync client keeps in step with the account:
// what they hold leaves with it, and a file that was never sent up lies only
// there. They are sorted as the server's files are.
func (s *survey) findSynced(ctx context.Context) {
	var done []string
	for _, in := range s.in.present {
		for _, folder := range in.Folders {
			folder = filepath.Clean(folder)
			if slices.Contains(done, folder) {
				continue
			}
			done = append(done, folder)
			s.addSynced(ctx, in, folder)
		}
	}
}

// syncedSets are the datasets that a synced folder is sorted into.
func (s *survey) syncedSets() []departure.Dataset {
	sets := []departure.Dataset{departure.Files}
	for _, d := range []departure.Dataset{departure.Photos, departure.Notes} {
		if slices.Contains(s.job.Datasets, d) {
			sets = append(sets, d)
		}
	}
	return sets
}

func (s *survey) addSynced(ctx context.Context, in signIn, folder string) {
	_, err := s.w.stated(ctx, folder)
	var root *scan.Root
	if err == nil {
		root, err = scan.Open(folder)
	}
	if err == nil {
		s.roots = append(s.roots, root)
		err = s.w.watchSynced(ctx, s.job, syncedID(departure.Files, folder), folder)
	}
	for _, d := range s.syncedSets() {
		o := &origin{rehash: true, src: departure.Source{
			ID: syncedID(d, folder), Dataset: d, Fate: departure.Leaves, OfAccount: true, Name: string(d) + " in " + folder + " (" + in.Name + ")",
		}}
		s.add(o)
		if err != nil {
			o.why = departure.Reason{Code: "folder", Text: o.src.Name + " could not be opened: " + err.Error()}
			continue
		}
		f := &source.Folder{Ref: o.ref(s.job), Root: root, Folder: filepath.Base(folder), Now: s.w.cfg.Clock.Now,
			Match: func(p string) bool { return !ofSyncClient(p) && s.datasetOf(dav.Item{Name: p}) == d }}
		if id := s.job.Destination.BagID; id != "" {
			f.BagIDs = map[string]bool{bagOf(id): true}
		}
		o.list = func(ctx context.Context, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
			return f.Items(ctx)
		}
	}
}

func syncedID(d departure.Dataset, folder string) departure.SourceID {
	return syncedPrefix(d) + departure.SourceID(departure.DigestOf(folder)[:16])
}

func syncedPrefix(d departure.Dataset) departure.SourceID {
	return departure.SourceID("synced:" + string(d) + ":")
}

// ofSyncClient reports whether a file of a synced folder is the client's own
// list of what it has sent, which changes with every transfer and is nobody's
// data.
// Source: SyncJournalDb::makeDbName and the exclusions of ExcludedFiles in the
// desktop clients of Nextcloud and ownCloud.
func ofSyncClient(p string) bool {
	if strings.Contains(p, "/") {
		return false
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		name, ok := strings.CutSuffix(p, ".db"+suffix)
		if ok && (strings.HasPrefix(name, ".sync_") || strings.HasPrefix(name, "._sync_") || name == ".csync_journal") {
			return true
		}
	}
	return p == ".nextcloudsync.log" || p == ".owncloudsync.log"
}
