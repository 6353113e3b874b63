package nextcloudclient

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/clearance-project/clearance/platform/sqliteread"
	"github.com/clearance-project/clearance/platform/xdg"
)

// journal is what a folder's database says. The zero value is one of a folder
// that was never synchronised.
type journal struct {
	known      bool
	locked     bool // by a client that is at work with it
	files      int64
	virtual    int64 // of these, here by name only
	unfinished int64 // transfers that were begun
	troubled   int64 // files that could not be synchronised, or are here twice
}

// journalLimits bound one journal: 5 million files take about 2 GB.
var journalLimits = sqliteread.Limits{MaxRows: 5_000_000, MaxValue: 1 << 20, Timeout: 30 * time.Second}

// readJournal reads a folder's journals: more than one where an account was
// connected anew.
func readJournal(ctx context.Context, f Folder) (journal, error) {
	names, err := journals(f)
	if err != nil {
		return journal{}, err
	}
	var sum journal
	for _, name := range names {
		at := filepath.Join(f.Path, name)
		held, err := sqliteread.Held(at)
		if err != nil {
			return journal{}, err
		}
		if held {
			return journal{locked: true}, nil
		}
		j, err := readDatabase(ctx, f.Path, at)
		if err != nil {
			return journal{}, err
		}
		sum.known = true
		sum.files += j.files
		sum.virtual += j.virtual
		sum.unfinished += j.unfinished
		sum.troubled += j.troubled
	}
	return sum, nil
}

// maxNames bounds the names in a folder that are looked through.
const maxNames = 1_000_000

// journals are the names of a folder's journals: the one of the configuration, or
// where that names none, all that are called as one.
func journals(f Folder) ([]string, error) {
	if f.journal != "" {
		if _, err := os.Lstat(filepath.Join(f.Path, f.journal)); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return []string{f.journal}, nil
	}
	entries, err := xdg.ListIfThere(f.Path, maxNames)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		if isJournal(e.Name()) {
			found = append(found, e.Name())
		}
	}
	return found, nil
}

// isJournal reports whether a file in a synchronised folder is the client's own.
func isJournal(name string) bool {
	if name == ".csync_journal.db" {
		return true
	}
	return (strings.HasPrefix(name, ".sync_") || strings.HasPrefix(name, "._sync_")) && strings.HasSuffix(name, ".db")
}

// The types of a row of the table metadata (enum ItemType of csync.h).
const (
	typeDirectory    = 2
	typeVirtualFirst = 4 // a virtual file, one that is to be fetched, one that is to be emptied
	typeVirtualLast  = 6
)

func readDatabase(ctx context.Context, folder, at string) (j journal, err error) {
	db, err := sqliteread.Open(ctx, at, journalLimits)
	if err != nil {
		return journal{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.Read(ctx, "metadata", []string{"type"}, func(r sqliteread.Row) error {
		kind, err := r.Int(0)
		if kind != typeDirectory {
			j.files++
		}
		if kind >= typeVirtualFirst && kind <= typeVirtualLast {
			j.virtual++
		}
		return err
	})
	// A download that is done leaves its row, without the file that it went into.
	rows := func(table, column string, sum *int64, counts func(string) bool) {
		if err != nil {
			return
		}
		// Older clients have fewer tables.
		err = sqliteread.IfThere(db.Read(ctx, table, []string{column}, func(r sqliteread.Row) error {
			text, err := r.Text(0)
			if counts(text) {
				*sum++
			}
			return err
		}))
	}
	every := func(string) bool { return true }
	rows("uploadinfo", "path", &j.unfinished, every)
	rows("async_poll", "path", &j.unfinished, every)
	rows("downloadinfo", "tmpfile", &j.unfinished, func(tmp string) bool { return begun(folder, tmp) })
	rows("blacklist", "path", &j.troubled, every)
	rows("conflicts", "path", &j.troubled, every)
	rows("caseconflicts", "path", &j.troubled, every)
	return j, err
}

// begun reports whether the file is there that a download goes into.
func begun(folder, tmp string) bool {
	if !filepath.IsLocal(tmp) {
		return false
	}
	_, err := os.Lstat(filepath.Join(folder, tmp))
	return !errors.Is(err, fs.ErrNotExist)
}
