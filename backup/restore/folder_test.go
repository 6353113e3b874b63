package restore_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/backup/source"
)

const sea, hill = "the bytes of the sea", "the bytes of a hill"

func album() []thing {
	return []thing{
		{ref: photos, id: "Photos/2024/sea.jpg", text: sea},
		{ref: photos, id: "Photos/2023/sea.jpg", text: hill},
		{ref: photos, id: "Photos/twice.jpg", text: sea},
		{ref: photos, id: "Photos/a%b\\c:d?.jpg", text: "odd name"},
		{ref: photos, id: "Photos/caf\xe9.jpg", text: "latin"},
		{ref: files, id: "Documents/letter.txt", text: "dear"},
		{ref: files, id: "empty", text: ""},
	}
}

var albumTree = map[string]string{
	"photos/server/Photos/2024/sea.jpg":  sea,
	"photos/server/Photos/2023/sea.jpg":  hill,
	"photos/server/Photos/twice.jpg":     sea,
	"photos/server/Photos/a%b\\c:d?.jpg": "odd name",
	"photos/server/Photos/caf\xe9.jpg":   "latin",
	"files/Documents/letter.txt":         "dear",
	"files/empty":                        "",
}

func TestAFolderGetsEveryByteNameAndTimeAndASecondRunAddsNothing(t *testing.T) {
	w := newCopy(t, album()...)
	r := w.restore(w.folder(), restore.Selection{}, restore.Options{})
	if r.Outcome != restore.Complete || r.All.Written != 7 || r.All.Failed != 0 || r.Proof != restore.ByManifest {
		t.Fatalf("%+v", r)
	}
	if diff := cmp.Diff(albumTree, tree(t, w.target())); diff != "" {
		t.Error(diff)
	}
	st, err := os.Stat(w.target() + "/photos/server/Photos/2024/sea.jpg")
	must(t, err)
	if !st.ModTime().Equal(noon) || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st.ModTime(), st.Mode())
	}
	r = w.restore(w.folder(), restore.Selection{}, restore.Options{})
	if r.Outcome != restore.Complete || r.All.Written != 0 || r.All.Already != 7 || r.Bytes != 0 {
		t.Errorf("the second time: %+v", r)
	}
	if diff := cmp.Diff(albumTree, tree(t, w.target())); diff != "" {
		t.Error(diff)
	}
}

func TestADryRunWritesNothingAndSaysWhatWouldBe(t *testing.T) {
	w := newCopy(t, album()...)
	dry := w.restore(w.folder(), restore.Selection{}, restore.Options{DryRun: true})
	if _, err := os.Stat(w.target()); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("a dry run made the folder")
	}
	wet := w.restore(w.folder(), restore.Selection{}, restore.Options{})
	if !dry.DryRun || dry.All != wet.All || dry.Bytes != wet.Bytes {
		t.Errorf("would be %+v, %d bytes, was %+v, %d bytes", dry.All, dry.Bytes, wet.All, wet.Bytes)
	}
	would := map[string]bool{}
	for _, p := range dry.Placed {
		would[p.Where] = true
	}
	for _, p := range wet.Placed {
		if !would[p.Where] {
			t.Errorf("%q was not foretold", p.Where)
		}
	}
	dry = w.restore(w.folder(), restore.Selection{}, restore.Options{DryRun: true})
	if dry.All.Written != 0 || dry.All.Already != 7 {
		t.Errorf("after it: %+v", dry.All)
	}
	if _, err := os.Stat(w.target() + "/.clearance-restore"); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder for staging is there")
	}
}

func TestNothingThatIsThereIsTouched(t *testing.T) {
	w := newCopy(t, album()...)
	must(t, os.MkdirAll(w.target()+"/photos/server/Photos/2024", 0o700))
	must(t, os.WriteFile(w.target()+"/photos/server/Photos/2024/sea.jpg", []byte("mine"), 0o600))
	must(t, os.WriteFile(w.target()+"/photos/server/Photos/2023", []byte("a file, not a folder"), 0o600))
	must(t, os.Symlink("/etc/hosts", w.target()+"/photos/server/Photos/twice.jpg"))
	must(t, os.Symlink("/tmp", w.target()+"/files"))
	for run := range 2 {
		r := w.restore(w.folder(), restore.Selection{}, restore.Options{})
		if r.Outcome != restore.Complete || run == 0 && (r.All.Written != 7 || r.All.Beside != 2) || run == 1 && r.All.Already != 7 {
			t.Errorf("run %d: %+v %v", run, r.All, r.Failures)
		}
		got := tree(t, w.target())
		want := map[string]string{
			"photos/server/Photos/2024/sea.jpg":          "mine",
			"photos/server/Photos/2023":                  "a file, not a folder",
			"photos/server/Photos/2023~restored/sea.jpg": hill,
			"photos/server/Photos/twice.jpg":             "link",
			"files":                                      "link",
			"files~restored/Documents/letter.txt":        "dear",
			"files~restored/empty":                       "",
		}
		for name, text := range want {
			if got[name] != text {
				t.Errorf("%s is %q", name, got[name])
			}
		}
		beside := 0
		for name, text := range got {
			if strings.Contains(name, "~restored-") && text == sea {
				beside++
			}
		}
		if beside != 2 || len(got) != len(want)+beside+2 {
			t.Errorf("run %d left %d files: %v", run, len(got), got)
		}
	}
}

func TestDamageIsNamedAndSkippedAndStopsNothing(t *testing.T) {
	w := newCopy(t, album()...)
	spoil := func(name, text string) {
		must(t, os.Chmod(w.bag()+"/"+name, 0o600), os.WriteFile(w.bag()+"/"+name, []byte(text), 0o600))
	}
	spoil("data/photos/server/Photos/2023/sea.jpg", strings.ToUpper(hill)) // same length
	spoil("data/files/Documents/letter.txt", "deer!")
	must(t, os.Remove(w.bag()+"/data/photos/server/Photos/a_b_c_d_.jpg"))
	for _, dry := range []bool{true, false} {
		r := w.restore(w.folder(), restore.Selection{}, restore.Options{DryRun: dry})
		why := map[string]restore.Reason{}
		for _, f := range r.Failures {
			why[f.ID] = f.Reason
		}
		want := map[string]restore.Reason{
			"Photos/2023/sea.jpg": restore.Damaged, "Documents/letter.txt": restore.Damaged, "Photos/a%b\\c:d?.jpg": restore.Missing,
		}
		if diff := cmp.Diff(want, why); diff != "" || r.Outcome != restore.Partial || r.All.Written != 4 || r.All.Failed != 3 {
			t.Errorf("dry %v: %+v\n%s", dry, r.All, diff)
		}
	}
	for name := range tree(t, w.target()) {
		if strings.Contains(name, "2023") || strings.Contains(name, "letter") || strings.Contains(name, "part-") {
			t.Errorf("%s was written", name)
		}
	}
}

func TestATargetInTheCopyIsRefused(t *testing.T) {
	w := newCopy(t, album()...)
	before := tree(t, w.bag())
	must(t, os.Symlink(w.bag()+"/data", w.dir+"/home/sly"))
	for _, at := range []string{w.bag(), w.bag() + "/data", w.bag() + "/new", w.dir + "/home/sly", w.dir + "/home/sly/new"} {
		f, err := restore.NewFolder(at, restore.FolderOptions{})
		must(t, err)
		r, err := restore.Run(context.Background(), w.reader(), f, restore.Selection{}, restore.Options{})
		var place *restore.PlaceError
		if !errors.As(err, &place) || r.Outcome != restore.Stopped {
			t.Errorf("%s: %v", at, err)
		}
	}
	if diff := cmp.Diff(before, tree(t, w.bag())); diff != "" {
		t.Error(diff)
	}
}

func TestTooLittleRoomIsSaidBeforeAnythingIsWritten(t *testing.T) {
	w := newCopy(t, album()...)
	free := int64(10)
	f, err := restore.NewFolder(w.target(), restore.FolderOptions{Free: func() (int64, error) { return free, nil }})
	must(t, err)
	_, err = restore.Run(context.Background(), w.reader(), f, restore.Selection{}, restore.Options{})
	var room *restore.NoRoomError
	if !errors.As(err, &room) || len(tree(t, w.target())) != 0 {
		t.Fatalf("%v, %v", err, tree(t, w.target()))
	}
	// What is there already needs no room.
	w.restore(w.folder(), restore.Selection{}, restore.Options{})
	r, err := restore.Run(context.Background(), w.reader(), f, restore.Selection{}, restore.Options{})
	if err != nil || r.All.Already != 7 {
		t.Errorf("%v, %+v", err, r.All)
	}
}

func TestSelection(t *testing.T) {
	year := func(y int) (th thing) { th.ref, th.at = photos, noon.AddDate(y-2024, 0, 0); return th }
	old, mid := year(2019), year(2022)
	old.id, old.text = "Photos/old.jpg", "old"
	mid.id, mid.text = "Photos/Mid Summer.jpg", "mid"
	w := newCopy(t, append(album(), old, mid)...)
	for name, c := range map[string]struct {
		sel  restore.Selection
		want int
	}{
		"everything": {restore.Selection{}, 9},
		"a dataset":  {restore.Selection{Datasets: []source.Dataset{source.Files}}, 2},
		"a book":     {restore.Selection{Books: []string{"server"}}, 7},
		"a source":   {restore.Selection{Books: []string{files.Source}}, 2},
		"since":      {restore.Selection{Since: noon.AddDate(-3, 0, 0)}, 8},
		"until":      {restore.Selection{Until: noon}, 2},
		"a name":     {restore.Selection{Search: "mid sUMMer"}, 1},
		"no name":    {restore.Selection{Search: "winter"}, 0},
	} {
		r := w.restore(w.folder(), c.sel, restore.Options{DryRun: true})
		if r.All.Selected != c.want || r.Outcome != restore.Complete {
			t.Errorf("%s: %d of %d, %s", name, r.All.Selected, c.want, r.Outcome)
		}
	}
}

func TestTheNewestVersionIsRestoredAndOthersOnDemand(t *testing.T) {
	w := newCopy(t, thing{ref: photos, id: "a.jpg", text: "first", seen: noon})
	w.add(thing{ref: photos, id: "a.jpg", text: "second", seen: noon.AddDate(0, 1, 0)})
	w.restore(w.folder(), restore.Selection{}, restore.Options{})
	if diff := cmp.Diff(map[string]string{"photos/server/a.jpg": "second"}, tree(t, w.target())); diff != "" {
		t.Error(diff)
	}
	w.restore(w.folder(), restore.Selection{AllVersions: true}, restore.Options{})
	want := map[string]string{"photos/server/a.jpg": "second", "photos/server/a~of-2024-05-01T120000Z.jpg": "first"}
	if diff := cmp.Diff(want, tree(t, w.target())); diff != "" {
		t.Error(diff)
	}
	must(t, os.RemoveAll(w.target()))
	w.restore(w.folder(), restore.Selection{AsOf: noon.AddDate(0, 0, 1)}, restore.Options{})
	if diff := cmp.Diff(map[string]string{"photos/server/a.jpg": "first"}, tree(t, w.target())); diff != "" {
		t.Error(diff)
	}
}

func TestAlteredListsAreSaid(t *testing.T) {
	w := newCopy(t, album()...)
	at := w.bag() + "/items.jsonl"
	text, err := os.ReadFile(at)
	must(t, err)
	lines := strings.SplitAfter(string(text), "\n")
	must(t, os.WriteFile(at, []byte(strings.Join(append(lines[1:2], lines[3:]...), "")+"garbage\n"), 0o600))
	r := w.restore(w.folder(), restore.Selection{}, restore.Options{})
	if r.Outcome != restore.Partial || r.Lists != bag.ListsAltered || r.Unreadable != 1 {
		t.Errorf("%+v", r)
	}
	// What no line names is restored by the path that the manifest has for it.
	got := tree(t, w.target())
	if got["photos/server/Photos/2024/sea.jpg"] != sea || r.All.Failed != 0 {
		t.Errorf("%v %+v", got, r.Failures)
	}
	must(t, os.Remove(at), os.RemoveAll(w.target()))
	r = w.restore(w.folder(), restore.Selection{}, restore.Options{})
	if got := tree(t, w.target()); r.Outcome != restore.Partial || got["files/Documents/letter.txt"] != "dear" || len(got) != 6 {
		t.Errorf("without items.jsonl: %v %+v", got, r.All)
	}
}

// TestALineThatCannotBeReadIsSaid although the lists are as they were written.
func TestALineThatCannotBeReadIsSaid(t *testing.T) {
	w := newCopy(t, album()...)
	items, err := os.ReadFile(w.bag() + "/items.jsonl")
	must(t, err)
	tags, err := os.ReadFile(w.bag() + "/tagmanifest-sha256.txt")
	must(t, err)
	odd := append(slices.Clone(items), "{\n"...)
	sum := func(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }
	must(t, os.WriteFile(w.bag()+"/items.jsonl", odd, 0o600),
		os.WriteFile(w.bag()+"/tagmanifest-sha256.txt", []byte(strings.Replace(string(tags), sum(items), sum(odd), 1)), 0o600))
	r := w.restore(w.folder(), restore.Selection{}, restore.Options{})
	if r.Outcome != restore.Partial || r.Lists != bag.ListsWhole || r.Unreadable != 1 || r.All.Written != len(albumTree) {
		t.Errorf("%s, %s, %d lines, %+v", r.Outcome, r.Lists, r.Unreadable, r.All)
	}
}
