package disk

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

// ways are how a name is taken without replacing anything, on file systems that
// can do more and less.
var ways = map[string]func(s *system, from, to string) error{
	"at once":       (*system).Place,
	"in steps":      (*system).placeInSteps,
	"without links": (*system).placeOverOwn,
}

func TestPlaceNeverReplaces(t *testing.T) {
	for name, place := range ways {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			s := r.(*system)
			write := func(name, text string) {
				if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			holds := func(name, want string) {
				t.Helper()
				if got, err := os.ReadFile(dir + "/" + name); err != nil || string(got) != want {
					t.Errorf("%s holds %q: %v", name, got, err)
				}
			}
			write("a", "ours")
			if err := place(s, "a", "b"); err != nil {
				t.Fatal(err)
			}
			holds("b", "ours")
			if _, err := os.Lstat(dir + "/a"); err == nil {
				t.Error("the old name is there still")
			}
			write("a", "another")
			for _, taken := range []string{"b", "link", "folder"} {
				_ = os.Symlink("nothing", dir+"/link")
				_ = os.Mkdir(dir+"/folder", 0o700)
				if err := place(s, "a", taken); !errors.Is(err, fs.ErrExist) {
					t.Errorf("%s was taken: %v", taken, err)
				}
			}
			holds("a", "another")
			holds("b", "ours")
			if err := place(s, "none", "c"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("what is not there: %v", err)
			}
			if _, err := os.Lstat(dir + "/c"); err == nil {
				t.Error("the new name of what is not there is left")
			}
		})
	}
}

func TestAFolderIsPlacedInSteps(t *testing.T) {
	dir := t.TempDir()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := r.(*system)
	for _, d := range []string{"a", "taken", "empty"} {
		if err := os.Mkdir(dir+"/"+d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.WriteFile(dir+"/a/f", nil, 0o600), os.WriteFile(dir+"/taken/f", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"taken", "empty"} {
		if err := s.placeInSteps("a", to); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", to, err)
		}
	}
	if err := s.placeInSteps("a", "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir + "/b/f"); err != nil {
		t.Error(err)
	}
}
