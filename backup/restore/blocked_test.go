package restore_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/restore"
)

// sparse puts a file of so many bytes into the copy that takes no room there,
// with its line. Its sum is wrong: nobody waits for that of a terabyte.
func (w *copyWorld) sparse(name string, size int64) string {
	w.t.Helper()
	at := w.bag() + "/data/photos/server/" + name
	f, err := os.OpenFile(at, os.O_CREATE|os.O_WRONLY, 0o600)
	must(w.t, err)
	must(w.t, f.Truncate(size), f.Close())
	manifest, err := os.OpenFile(w.bag()+"/manifest-sha256.txt", os.O_APPEND|os.O_WRONLY, 0)
	must(w.t, err)
	_, err = fmt.Fprintf(manifest, "%x  data/photos/server/%s\n", sha256.Sum256([]byte(sea)), name)
	must(w.t, err, manifest.Close())
	return line(id(name) + `,"path":"data/photos/server/` + name + `","size":` + strconv.FormatInt(size, 10))
}

// One line, whatever it says, never keeps another item from coming back.
func TestOneLineFailsByItsNameAlone(t *testing.T) {
	for name, fields := range map[string]string{
		"a folder of our own":   `"dataset":".clearance-restore","source":"part-x",` + id("y/z"),
		"the lock as a folder":  `"dataset":".clearance-restore","source":"lock",` + id("y/z"),
		"names of dots":         id(".../..../....."),
		"a space":               id(" / / "),
		"a file for the folder": id("one.jpg/two.jpg"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea})
			w.forge(line(fields), line(id("one.jpg")))
			r := w.restore(w.folder(), restore.Selection{}, restore.Options{})
			if r.All.Written+r.All.Failed != 2 || r.All.Written < 1 {
				t.Errorf("%+v", r)
			}
			if again := w.restore(w.folder(), restore.Selection{}, restore.Options{}); again.All.Written != 0 || again.All.Already != r.All.Written {
				t.Errorf("again: %+v", again)
			}
			if _, err := os.Lstat(w.target() + "/.clearance-restore"); err == nil {
				t.Error("its own folder is left")
			}
		})
	}
}

func TestAFileLargerThanTheDiskFailsByItsNameAlone(t *testing.T) {
	for _, size := range []int64{1 << 43, 1 << 40} {
		w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea})
		big := w.sparse("big.jpg", size)
		w.forge(big, line(id("one.jpg")))
		to, err := restore.NewFolder(w.target(), restore.FolderOptions{Free: func() (int64, error) { return 1 << 30, nil }})
		must(t, err)
		r := w.restore(to, restore.Selection{}, restore.Options{})
		if r.All.Written != 1 || r.All.Failed != 1 || r.Failures[0].Reason != restore.TooLarge || r.Failures[0].ID != "big.jpg" {
			t.Errorf("%+v", r)
		}
	}
}

// What nobody vouches for takes no room from what the ledger does.
func TestWhatNobodyVouchesForTakesNoRoom(t *testing.T) {
	w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea})
	l := w.known()
	lines := []string{line(id("one.jpg") + `,"account":"` + account + `"`)}
	for _, name := range []string{"a.jpg", "b.jpg", "c.jpg"} {
		lines = append(lines, w.sparse(name, 500))
	}
	w.forge(lines...)
	to, err := restore.NewFolder(w.target(), restore.FolderOptions{Free: func() (int64, error) { return 1000, nil }})
	must(t, err)
	r := w.restore(to, restore.Selection{}, restore.Options{Ledger: l})
	if r.All.Written != 1 || r.All.Failed != 3 || r.Failures[0].Reason != restore.TooLarge {
		t.Errorf("%+v", r)
	}
	if _, err := restore.Run(t.Context(), w.reader(), to, restore.Selection{}, restore.Options{}); err == nil {
		t.Error("without a list outside the copy it fits")
	}
}

func TestATargetInTheCopyIsSeenThroughEveryMount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount")
	}
	w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea})
	must(t, os.Mkdir(w.dir+"/window", 0o700))
	must(t, unix.Mount(w.bag()+"/data", w.dir+"/window", "", unix.MS_BIND, ""))
	t.Cleanup(func() { must(t, unix.Unmount(w.dir+"/window", 0)) })
	before := len(tree(t, w.bag()))
	for _, at := range []string{w.dir + "/window", w.dir + "/window/new", w.dir + "/window/photos/new", w.bag() + "/new"} {
		to, err := restore.NewFolder(at, restore.FolderOptions{})
		must(t, err)
		_, err = restore.Run(t.Context(), w.reader(), to, restore.Selection{}, restore.Options{})
		var refused *restore.PlaceError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", at, err)
		}
	}
	// Around it is fine, seen through a mount too.
	must(t, restore.Apart(w.bag(), w.dir+"/disk/beside"))
	if len(tree(t, w.bag())) != before {
		t.Error("something was written")
	}
}

func TestAFolderAmongWhatIsStagedIsNotInTheWay(t *testing.T) {
	w := newCopy(t, thing{ref: photos, id: "one.jpg", text: sea})
	theirs := w.target() + "/.clearance-restore/part-x"
	must(t, os.MkdirAll(theirs, 0o700), os.WriteFile(theirs+"/theirs", []byte("theirs"), 0o600))
	if r := w.restore(w.folder(), restore.Selection{}, restore.Options{}); r.Outcome != restore.Complete || r.All.Written != 1 {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(theirs + "/theirs"); err != nil {
		t.Error(err)
	}
}
