package source

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/scan"
)

func TestPlaceholder(t *testing.T) {
	for _, c := range []struct {
		path string
		size int64
		of   string // "": it is none
	}{
		{"d/IMG_1.jpg.nextcloud", 1, "d/IMG_1.jpg"},
		{"IMG_1.JPG.OwnCloud", 1, "IMG_1.JPG"},
		{"d/.IMG_1.HEIC.icloud", 160, "d/IMG_1.HEIC"},
		{"song.mp3.cloud", 0, "song.mp3"},
		{"Holidays.cloudf", 0, "Holidays/"},
		{"a/list.gsheet", 180, "a/list.gsheet"},
		{"note.PAPER", 90, "note.PAPER"},
		{"IMG_1.jpg.nextcloud", 3 << 20, ""},
		{"IMG_1.jpg.nextcloud", -1, ""},
		{"backup.nextcloud", 1, ""},
		{"sunset.cloud", 10, ""},
		{"IMG_1.HEIC.icloud", 160, ""},
		{".gdoc", 100, ""},
		{".icloud", 100, ""},
		{".nextcloud", 1, ""},
		{".a.cloud", 0, ""},
		{"Holidays.cloudf", 10, ""},
		{"IMG_1.jpg", 0, ""},
	} {
		of, ok := Placeholder(c.path, c.size)
		if of != c.of || ok != (c.of != "") {
			t.Errorf("%s with %d bytes: %q %v", c.path, c.size, of, ok)
		}
	}
}

func TestThumbnail(t *testing.T) {
	for p, want := range map[string]bool{
		"DCIM/.thumbnails/1.jpg": true, "photo/@eaDir/IMG_1.JPG/SYNOPHOTO_THUMB_M.jpg": true, ".thumb/a.jpg": true,
		"Thumbs.db": true, "a/ehthumbs.db": true, "thumbnails-digikam.db": true, "iPod Photo Cache/F00/T1.ithmb": true,
		"DCIM/.thumbdata4--1967290299": true, "x/.SH_THUMBNAILS/large/a.png": true,
		"thumbnails/a.jpg": false, "Thumb/a.jpg": false, "thumbs.jpg": false, ".hidden/a.jpg": false, "my.thumb.jpg": false,
		"digikam4.db": false, ".picasaoriginals/a.jpg": false, ".trashed-1700000000-IMG_1.jpg": false,
	} {
		if Thumbnail(p) != want {
			t.Errorf("%s: %v", p, !want)
		}
	}
}

// listed gives the items of a folder with these files, and the reasons of those
// that fail, by path.
func listed(t *testing.T, d Dataset, match func(string) bool, files map[string]string, prepare func(dir string)) (items []string, failed map[string]Reason) {
	t.Helper()
	dir := t.TempDir()
	for p, data := range files {
		at := filepath.Join(dir, p)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(data), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if prepare != nil {
		prepare(dir)
	}
	root, err := scan.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	failed = map[string]Reason{}
	f := Folder{Ref: Ref{Dataset: d}, Root: root, Match: match}
	for it, err := range f.Items(t.Context()) {
		why, ok := errors.AsType[*Failed](err)
		switch {
		case ok:
			failed[it.ID] = why.Reason
			if why.Item.ID != it.ID || why.Item.Rev == "" || why.Reason.Sentence() == string(why.Reason) {
				t.Errorf("%+v", why)
			}
		case err != nil:
			t.Error(err)
		default:
			items = append(items, it.ID)
		}
	}
	slices.Sort(items)
	return items, failed
}

// TestFolderOfThumbnailsAndPlaceholdersHoldsNoPhoto: none is an item, each is
// named.
func TestFolderOfThumbnailsAndPlaceholdersHoldsNoPhoto(t *testing.T) {
	files := map[string]string{
		".thumbnails/1.jpg": "small", ".thumbnails/2.jpg": "small", "@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg": "small", "Thumbs.db": "many",
		"a.jpg.nextcloud": " ", ".b.heic.icloud": "bplist00", "Summer.cloudf": "",
	}
	items, failed := listed(t, Photos, nil, files, nil)
	if len(items) != 0 || len(failed) != len(files) {
		t.Fatalf("items %q, failures %v", items, failed)
	}
	for p, why := range failed {
		want := OnlyThumb
		if _, stub := Placeholder(p, 1); stub || p == "Summer.cloudf" {
			want = OnlyInCloud
		}
		if why != want {
			t.Errorf("%s: %s", p, why)
		}
	}
	// Among files a thumbnail is a file like any other; a placeholder never is.
	items, failed = listed(t, Files, nil, files, nil)
	if len(items) != 4 || len(failed) != 3 {
		t.Errorf("items %q, failures %v", items, failed)
	}
}

// TestPlaceholderOfAnAddressBookIsNotPassedOver: what it stands for would be one
// of the source.
func TestPlaceholderOfAnAddressBookIsNotPassedOver(t *testing.T) {
	match := func(p string) bool { return filepath.Ext(p) == ".vcf" }
	files := map[string]string{"all.vcf": "x", "work.vcf.nextcloud": " ", "photo.jpg.nextcloud": " ", "Old.cloudf": ""}
	items, failed := listed(t, Contacts, match, files, nil)
	if len(items) != 1 || len(failed) != 2 || failed["work.vcf.nextcloud"] != OnlyInCloud || failed["Old.cloudf"] != OnlyInCloud {
		t.Errorf("items %q, failures %v", items, failed)
	}
}

// TestUnfetchedFileIsNoPhoto: the Nextcloud client can keep one byte under the
// photo's own name, with a mark.
func TestUnfetchedFileIsNoPhoto(t *testing.T) {
	items, failed := listed(t, Photos, nil, map[string]string{"a.jpg": "x", "b.jpg": "x", "c.jpg": "xx"}, func(dir string) {
		for _, n := range []string{"a.jpg", "c.jpg"} {
			if err := unix.Setxattr(filepath.Join(dir, n), hydrateAttr, []byte("nextcloud"), 0); err != nil {
				t.Skipf("SKIPPED: no extended attributes here: %v", err)
			}
		}
	})
	// A file with content is whole, whatever mark was left on it.
	if !slices.Equal(items, []string{"b.jpg", "c.jpg"}) || len(failed) != 1 || failed["a.jpg"] != OnlyInCloud {
		t.Errorf("items %q, failures %v", items, failed)
	}
}

// TestSparseFilesAreFiles: taking no room on the disk is not being in a cloud.
func TestSparseFilesAreFiles(t *testing.T) {
	items, failed := listed(t, Photos, nil, map[string]string{"a.mp4": "", "b.jpg": ""}, func(dir string) {
		if err := os.Truncate(filepath.Join(dir, "a.mp4"), 1<<30); err != nil {
			t.Fatal(err)
		}
	})
	if len(items) != 2 || len(failed) != 0 {
		t.Errorf("items %q, failures %v", items, failed)
	}
}
