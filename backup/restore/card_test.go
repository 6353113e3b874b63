package restore_test

import (
	"io/fs"
	"path"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/restore"
)

// memoryCard is a disk as memory cards are: names that differ in case or composition
// alone are one, and some are refused.
type memoryCard struct{ disk.Root }

func (c memoryCard) at(name string) (string, error) {
	for part := range strings.SplitSeq(name, "/") {
		if strings.ContainsAny(part, `\:*?"<>|`) || strings.TrimRight(part, ". ") != part && part != "." {
			return "", &fs.PathError{Op: "card", Path: name, Err: syscall.EINVAL}
		}
		if strings.ToValidUTF8(part, "") != part {
			return "", &fs.PathError{Op: "card", Path: name, Err: syscall.EILSEQ}
		}
	}
	return path.Clean(strings.ToLower(norm.NFC.String(name))), nil
}

func (c memoryCard) Create(name string, perm fs.FileMode) (disk.File, error) {
	at, err := c.at(name)
	if err != nil {
		return nil, err
	}
	return c.Root.Create(at, perm)
}

func (c memoryCard) Open(name string) (disk.File, error) {
	at, err := c.at(name)
	if err != nil {
		return nil, err
	}
	return c.Root.Open(at)
}

func (c memoryCard) Mkdir(name string, perm fs.FileMode) error {
	at, err := c.at(name)
	if err != nil {
		return err
	}
	return c.Root.Mkdir(at, perm)
}

func (c memoryCard) Place(from, to string) error {
	at, err := c.at(to)
	if err != nil {
		return err
	}
	return c.Root.Place(from, at)
}

func (c memoryCard) Lstat(name string) (disk.Stat, error) {
	at, err := c.at(name)
	if err != nil {
		return disk.Stat{}, err
	}
	return c.Root.Lstat(at)
}

// TestACardGetsEveryByte: where names fall together, or cannot be, each content
// is there all the same, and doing it again adds nothing.
func TestACardGetsEveryByte(t *testing.T) {
	var things []thing
	for _, id := range []string{"IMG.JPG", "img.jpg", "Img.Jpg", "caf\u00e9.jpg", "cafe\u0301.jpg", "Dir/a.jpg", "dir/a.jpg", "dir/b.jpg", `a\b:c?.jpg`, "trail ", "dots...", "caf\xe9.jpg"} {
		things = append(things, thing{ref: photos, id: id, text: "photo " + id})
	}
	w := newCopy(t, things...)
	for _, workers := range []int{1, 4} {
		f, err := restore.NewFolder(w.target(), restore.FolderOptions{Workers: workers, Wrap: func(r disk.Root) disk.Root { return memoryCard{r} }})
		must(t, err)
		r := w.restore(f, restore.Selection{}, restore.Options{})
		if first := workers == 1; r.Outcome != restore.Complete || first && r.All.Written != len(things) || !first && r.All.Already != len(things) {
			t.Errorf("%s, %+v, %v", r.Outcome, r.All, r.Failures)
		}
		texts, got := map[string]int{}, tree(t, w.target())
		for _, text := range got {
			texts[text]++
		}
		for _, th := range things {
			if texts[th.text] != 1 {
				t.Errorf("%q is there %d times", th.text, texts[th.text])
			}
		}
		if len(got) != len(things) {
			t.Errorf("%d files: %q", len(got), got)
		}
	}
}
