package disk

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// What is written in parts of any length, from memory of any place, arrives as
// it was; what goes past the cache leaves nothing in it but the last page.
func TestWritingPastTheCache(t *testing.T) {
	dir := t.TempDir()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || st.Type != unix.EXT4_SUPER_MAGIC {
		t.Skipf("SKIPPED: no ext4 at %s: %v", dir, err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text := Buffer(1 << 20)
	for i := range text {
		text[i] = byte(rand.Uint32())
	}
	for _, c := range []struct {
		name  string
		parts []int
		skew  int   // of the memory
		most  int64 // bytes in the cache afterwards
	}{
		{"whole pages", []int{512 << 10, 256 << 10}, 0, 0},
		{"with a tail", []int{512 << 10, 100_001}, 0, aligned},
		{"less than a page", []int{300}, 0, aligned},
		{"odd parts", []int{8192, 300, 8192, 1}, 0, 3 * aligned},
		{"odd memory", []int{8192, 8192}, 1, 4 * aligned},
		{"nothing", []int{0}, 0, 0},
	} {
		f, err := r.Create(c.name, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if !f.Direct() {
			t.Fatal("ext4 cannot write past the cache")
		}
		at := c.skew
		for _, n := range c.parts {
			if m, err := f.Write(text[at : at+n : at+n]); m != n || err != nil {
				t.Errorf("%s: %d of %d: %v", c.name, m, n, err)
			}
			at += n
		}
		if left, err := resident(f.(*file).fd); left > c.most || err != nil {
			t.Errorf("%s: %d bytes are in the cache: %v", c.name, left, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(dir + "/" + c.name); err != nil || !bytes.Equal(got, text[c.skew:at]) {
			t.Errorf("%s: %d bytes arrived of %d, or others: %v", c.name, len(got), at-c.skew, err)
		}
	}
}

// A file system may take the flag and refuse to write with it.
func TestWritesRefusedPastTheCacheGoThroughIt(t *testing.T) {
	dir := t.TempDir()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f, err := r.Create("a", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if !f.Direct() {
		t.Skipf("SKIPPED: no writing past the cache at %s", dir)
	}
	text := Buffer(3 * aligned)
	for i := range text {
		text[i] = byte(i / 7)
	}
	// From a place that is no multiple of a page, ext4 writes nothing so.
	if _, err := unix.Seek(f.(*file).fd, 100, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Write(text); n != len(text) || err != nil {
		t.Fatalf("%d bytes: %v", n, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dir + "/a"); err != nil || !bytes.Equal(got[100:], text) {
		t.Errorf("%d bytes: %v", len(got), err)
	}
}
