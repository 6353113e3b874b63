package corpus

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// tree gives the sum of every file by its path, and their sizes together.
func tree(t *testing.T, kind Kind, n int) (sums map[string][32]byte, size int64) {
	t.Helper()
	dir := t.TempDir()
	made, err := Fill(dir, kind, n)
	if err != nil {
		t.Fatal(err)
	}
	sums = map[string][32]byte{}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		sums[path[len(dir):]], size = sha256.Sum256(text), size+int64(len(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if made.Files != n || len(sums) != n || made.Bytes != size {
		t.Errorf("%s: %+v, there are %d files of %d bytes", kind, made, len(sums), size)
	}
	return sums, size
}

// TestSameEachTime: a corpus is the same one each time, and no two of its files
// are equal.
func TestSameEachTime(t *testing.T) {
	for kind, n := range map[Kind]int{Photos: 40, Small: 1100, Nasty: 700} {
		first, size := tree(t, kind, n)
		second, _ := tree(t, kind, n)
		different := map[[32]byte]bool{}
		for path, sum := range first {
			if second[path] != sum {
				t.Errorf("%s: %q is not the same again", kind, path)
			}
			different[sum] = true
		}
		if len(different) != n {
			t.Errorf("%s: %d of %d files differ", kind, len(different), n)
		}
		if mean := size / int64(n); kind == Photos && (mean < photoMean/2 || mean > photoMean*2) {
			t.Errorf("a photo has %d bytes in the mean", mean)
		}
	}
}

func TestNastyNames(t *testing.T) {
	seen := map[string]bool{}
	longest := 0
	for i := range 5000 {
		name := nasty(i)
		if seen[name] || name == "" || name == "." || name == ".." {
			t.Fatalf("name %d: %q", i, name)
		}
		seen[name], longest = true, max(longest, len(name))
	}
	if longest != 255 {
		t.Errorf("the longest name has %d bytes, want the most that a file system takes", longest)
	}
}
