package restore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/restore"
)

// victim restores to a folder and a file, and says so before each call that
// changes something: whoever listens kills it in the middle.
func victim(dir string) {
	wrap := func(r disk.Root) disk.Root { return &telling{Root: r} }
	fail := func(err error) {
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	from, err := bag.OpenReader(context.Background(), dir+"/disk/copy", bag.Options{})
	fail(err)
	folder, err := restore.NewFolder(dir+"/home/restored", restore.FolderOptions{Wrap: wrap})
	fail(err)
	file, err := restore.NewFile(dir+"/home/all.vcf", restore.FolderOptions{Wrap: wrap})
	fail(err)
	for _, to := range []restore.Target{folder, file} {
		_, err = restore.Run(context.Background(), from, to, restore.Selection{}, restore.Options{})
		fail(err)
	}
	fmt.Println("done")
}

// telling prints a line before each change and waits until it is read.
type telling struct{ disk.Root }

func step(what string) {
	fmt.Println(what)
	var b [1]byte
	_, _ = os.Stdin.Read(b[:]) // at its end nobody waits any more
}

func (t *telling) Create(name string, perm os.FileMode) (disk.File, error) {
	step("create")
	f, err := t.Root.Create(name, perm)
	return &tellingFile{f}, err
}

func (t *telling) Append(name string, perm os.FileMode) (disk.File, error) {
	step("append")
	f, err := t.Root.Append(name, perm)
	return &tellingFile{f}, err
}

func (t *telling) Mkdir(name string, perm os.FileMode) error {
	step("mkdir")
	return t.Root.Mkdir(name, perm)
}

func (t *telling) Place(from, to string) error {
	step("place")
	return t.Root.Place(from, to)
}

func (t *telling) Remove(name string) error {
	step("remove")
	return t.Root.Remove(name)
}

func (t *telling) SyncAll() error {
	step("sync")
	return t.Root.SyncAll()
}

type tellingFile struct{ disk.File }

func (f *tellingFile) Write(p []byte) (int, error) {
	step("write")
	n, err := f.File.Write(p[:len(p)/2])
	if err != nil {
		return n, err
	}
	step("half")
	m, err := f.File.Write(p[len(p)/2:])
	return n + m, err
}

// killAfter runs a victim until it has said so many lines, and kills it there.
func killAfter(t *testing.T, dir string, lines int) (done bool) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "CLEARANCE_TEST_VICTIM="+dir)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	said := bufio.NewScanner(out)
	n := 0
	for n < lines && said.Scan() {
		n++
		if strings.HasPrefix(said.Text(), "error") {
			t.Fatal(said.Text())
		}
		if said.Text() == "done" {
			done = true
		}
		_, _ = io.WriteString(in, "x") // it may have ended
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	return done
}

// Kills at every step, each into what the ones before left: the run after them
// completes, and nothing is there twice.
func TestKilledAnywhereTheNextRunCompletesAndNothingIsTwice(t *testing.T) {
	w := newCopy(t, append(album(), folk()[:4]...)...)
	kills := 0
	for n := 1; ; n++ {
		if n > 200 {
			t.Fatal("it never ended")
		}
		if killAfter(t, w.dir, n) {
			break
		}
		kills++
		for name, text := range tree(t, w.target()) {
			want, known := albumTree[name]
			if known && text != want {
				t.Fatalf("killed at step %d, %s has %q", n, name, text)
			}
		}
	}
	if kills < 10 {
		t.Errorf("only %d kills", kills)
	}
	r := w.restore(w.folder(), restore.Selection{}, restore.Options{})
	if r.All.Written != 0 || r.Outcome != restore.Complete {
		t.Errorf("%+v", r.All)
	}
	got := tree(t, w.target())
	contacts := 0
	for name := range got {
		if strings.HasPrefix(name, "contacts/") {
			contacts++
			delete(got, name)
		}
	}
	if diff := cmp.Diff(albumTree, got); diff != "" || contacts != 4 {
		t.Errorf("%d contacts\n%s", contacts, diff)
	}
	left := tree(t, w.dir+"/home")
	for name := range left {
		if strings.Contains(name, ".clearance-restore") {
			t.Errorf("%s was left", name)
		}
	}
	if list := cards(t, w.dir+"/home/all.vcf"); len(list) != 3 {
		t.Errorf("%v", list)
	}
}
