package tasks

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"github.com/clearance-project/clearance/platform/eds"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

// copied is a desk with a copy of an account that is signed in.
func copied(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	d.signIn(davtest.Content{Contacts: 25, Events: 8, Tasks: 3, Photos: 6, Files: 4, Notes: 3}, nil)
	d.settled(25)
	d.backup()
	return d
}

// settled waits until the account's books are here.
func (d *desk) settled(contacts int64) {
	d.t.Helper()
	eventually(d.t, "the account's contacts are on this device", func() bool {
		for _, l := range d.look().Listings {
			if l.Source.Dataset == departure.Contacts && !l.Source.Remote && l.Items == contacts {
				return true
			}
		}
		return false
	})
}

func (d *desk) copyAt() string {
	d.t.Helper()
	found, err := filepath.Glob(d.job.Destination.Folder + "/*/bag-info.txt")
	must(d.t, err)
	if len(found) != 1 {
		d.t.Fatalf("there are %d copies", len(found))
	}
	return filepath.Dir(found[0])
}

func (d *desk) restore(req engine.RestoreRequest) engine.RestoreReport {
	d.t.Helper()
	task := engine.RestoreTask{RestoreRequest: req}
	if req.From == "" {
		task.Known = []engine.KnownCopy{{Account: d.job.Departure.Account, Destination: d.job.Destination}}
	}
	out, err := d.Restore(d.t.Context(), task, quiet)
	must(d.t, err)
	return out
}

func sum(r engine.RestoreReport, of func(engine.RestoreTally) int64) (n int64) {
	for _, s := range r.Sets {
		n += of(s)
	}
	return n
}

func written(t engine.RestoreTally) int64 { return t.Written }

func TestACopyComesBackToAFolderAndBooksAndTwiceAddsNothing(t *testing.T) {
	d := copied(t)
	to := filepath.Join(d.session.Home, "restored")
	folder := engine.RestoreRequest{To: engine.RestoreTarget{Kind: engine.ToFolder, Path: to}}
	dry := folder
	dry.DryRun = true
	foretold := d.restore(dry)
	first := d.restore(folder)
	if first.Outcome != engine.RestoreComplete || first.Proof != "ledger" || sum(first, written) == 0 || sum(foretold, written) != sum(first, written) || foretold.Bytes != first.Bytes {
		t.Fatalf("foretold %+v, was %+v", foretold, first)
	}
	if again := d.restore(folder); again.Outcome != engine.RestoreComplete || sum(again, written) != 0 {
		t.Errorf("again: %+v", again.Sets)
	}

	books := engine.RestoreRequest{To: engine.RestoreTarget{Kind: engine.ToBooks}}
	first = d.restore(books)
	if first.Outcome != engine.RestoreComplete {
		t.Fatalf("%+v", first)
	}
	shelf := eds.Shelf{Kind: eds.AddressBook, Account: d.job.Departure.Account.ID}
	l, err := d.eds.Keys(t.Context(), shelf.UID())
	must(t, err)
	if len(l.Keys) != 25 {
		t.Errorf("%d contacts are in the book: those of the server and of this device are one", len(l.Keys))
	}
	if again := d.restore(books); sum(again, written) != 0 || again.Outcome != engine.RestoreComplete {
		t.Errorf("again: %+v", again.Sets)
	}
	// What Keep does afterwards finds everything there.
	_, err = d.Keep(t.Context(), d.job, quiet)
	must(t, err)
	if l, err = d.eds.Keys(t.Context(), shelf.UID()); err != nil || len(l.Keys) != 25 {
		t.Errorf("%d contacts after keeping, %v", len(l.Keys), err)
	}

	// The copy alone, on another device: nothing but its folder is known.
	out := d.restore(engine.RestoreRequest{From: d.job.Destination.Folder, To: engine.RestoreTarget{Kind: engine.ToFile, Path: filepath.Join(d.session.Home, "all.vcf")}})
	if out.Outcome != engine.RestoreComplete || sum(out, written) != 25 || out.Copy != d.copyAt() {
		t.Errorf("%+v", out)
	}
}

// One copy serves these: what each does to it does not disturb the next.
func TestDrillsAndSyncedFolders(t *testing.T) {
	d := copied(t)
	t.Run("a drill restores twice and leaves nothing", d.drillsWell)
	t.Run("a synced folder is no place unless said", d.avoidsSynced)
	t.Run("without desktop services it says so and uses files", d.drillsWithoutServices)
	t.Run("it says what is not equal", d.drillsDamage)
}

func (d *desk) drillsWell(t *testing.T) {
	out := d.restore(engine.RestoreRequest{Drill: true})
	if out.Outcome != engine.RestoreComplete || out.Drill == nil || !out.Drill.Equal || out.Drill.Substitute != "" || len(out.Drill.Parts) != 2 {
		t.Fatalf("%+v %+v", out, out.Drill)
	}
	for _, p := range out.Drill.Parts {
		if p.Compared == 0 || !p.Whole() {
			t.Errorf("%+v", p)
		}
	}
	left, err := os.ReadDir(filepath.Join(d.cfg.State, "drills"))
	must(t, err)
	if len(left) != 0 {
		t.Errorf("the drill left %v", left)
	}
	// What it restored is in no book of the person's.
	if _, err := d.eds.Source(t.Context(), eds.Shelf{Kind: eds.AddressBook, Account: d.job.Departure.Account.ID}.UID()); !errors.Is(err, eds.ErrGone) {
		t.Errorf("a book of the person's: %v", err)
	}
}

func (d *desk) drillsDamage(t *testing.T) {
	var photo string
	must(t, filepath.WalkDir(d.copyAt()+"/data/photos", func(at string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			photo = at
		}
		return err
	}))
	must(t, os.Chmod(photo, 0o600))
	must(t, os.WriteFile(photo, []byte("damaged"), 0o600))
	out := d.restore(engine.RestoreRequest{Drill: true, Datasets: []departure.Dataset{departure.Photos}})
	if out.Outcome != engine.RestorePartial || out.Drill.Equal || out.Drill.Parts[0].Failed != 1 || len(out.Drill.Parts[0].Examples) != 1 {
		t.Errorf("%+v %+v", out, out.Drill)
	}
}

func (d *desk) drillsWithoutServices(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	out := d.restore(engine.RestoreRequest{Drill: true})
	if out.Drill == nil || !out.Drill.Equal || !strings.Contains(out.Drill.Substitute, "dbus-daemon") || len(out.Drill.Parts) != 3 {
		t.Fatalf("%+v", out.Drill)
	}
}

func (d *desk) avoidsSynced(t *testing.T) {
	synced := filepath.Join(d.session.Home, "Nextcloud")
	must(t, os.MkdirAll(filepath.Join(d.session.ConfigHome, "Nextcloud"), 0o700))
	must(t, os.Mkdir(synced, 0o700))
	must(t, os.WriteFile(filepath.Join(d.session.ConfigHome, "Nextcloud", "nextcloud.cfg"), []byte("0\\Folders\\1\\localPath="+synced+"/\n"), 0o600))
	req := engine.RestoreRequest{To: engine.RestoreTarget{Kind: engine.ToFolder, Path: synced + "/back"}}
	task := engine.RestoreTask{RestoreRequest: req, Known: []engine.KnownCopy{{Account: d.job.Departure.Account, Destination: d.job.Destination}}}
	_, err := d.Restore(t.Context(), task, quiet)
	var blocked *engine.BlockedError
	if !errors.As(err, &blocked) || blocked.Why.Code != "synced" {
		t.Errorf("%v", err)
	}
	req.To.Synced = true
	if out := d.restore(req); out.Outcome != engine.RestoreComplete {
		t.Errorf("%+v", out)
	}
}

func TestWhatIsNoCopyIsRefused(t *testing.T) {
	d := newDesk(t)
	sessiontest.Need(t, "dbus-daemon", "dbus-daemon")
	for _, from := range []string{d.session.Home, filepath.Join(d.session.Home, "nothing")} {
		_, err := d.Restore(t.Context(), engine.RestoreTask{RestoreRequest: engine.RestoreRequest{From: from, To: engine.RestoreTarget{Kind: engine.ToFolder, Path: d.session.Home + "/x"}}}, quiet)
		var refused *engine.RefusedError
		if !errors.As(err, &refused) || refused.Code != "not-found" {
			t.Errorf("%s: %v", from, err)
		}
	}
}
