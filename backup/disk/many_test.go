package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestManyFilesAreReadAtOnce(t *testing.T) {
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
	sizes := []int{0, 1, aligned - 1, aligned, aligned + 1, 60_000, 3 * aligned, 300}
	files := make([]Reading, len(sizes), len(sizes)+2)
	text := make([]byte, 60_000)
	for i := range text {
		text[i] = byte(i * i / 3)
	}
	for i, n := range sizes {
		name := fmt.Sprint(i)
		if err := os.WriteFile(dir+"/"+name, text[i:i+n-min(n, i)], 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := r.OpenDirect(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = Reading{File: f, Into: Buffer(64 << 10)}
	}
	shut, err := r.OpenDirect("1")
	if err != nil {
		t.Fatal(err)
	}
	if err := shut.Close(); err != nil {
		t.Fatal(err)
	}
	files = append(files, Reading{File: shut, Into: Buffer(aligned)}, Reading{File: struct{ File }{shut}, Into: Buffer(aligned)})
	m, err := NewMany(len(files))
	if err != nil {
		t.Skipf("SKIPPED: this system reads one file at a time: %v", err)
	}
	for range 3 {
		m.Read(files)
		for i, n := range sizes {
			want := text[i : i+n-min(n, i)]
			if f := &files[i]; f.Err != nil || f.N != len(want) || !bytes.Equal(f.Into[:f.N], want) {
				t.Errorf("%d bytes: %d came, or others: %v", n, f.N, f.Err)
			}
		}
		for _, f := range files[len(sizes):] {
			if !errors.Is(f.Err, ErrNotAtOnce) {
				t.Errorf("a file that is not open: %v", f.Err)
			}
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m.Read(files[:len(sizes)])
	for i := range sizes {
		if !errors.Is(files[i].Err, ErrNotAtOnce) {
			t.Errorf("read by what was closed: %v", files[i].Err)
		}
	}
}

func TestReadingManyFindsTheErrorOfEach(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"good", "bad"} {
		if err := os.WriteFile(dir+"/"+name, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	good, err := r.OpenDirect("good")
	if errors.Is(err, ErrNoDirect) {
		t.Skipf("SKIPPED: no reading past the cache at %s", dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer good.Close()
	bad, err := r.Create("write only", fs.FileMode(0o600))
	if err != nil {
		t.Fatal(err)
	}
	defer bad.Close()
	m, err := NewMany(2)
	if err != nil {
		t.Skipf("SKIPPED: this system reads one file at a time: %v", err)
	}
	files := []Reading{{File: bad, Into: Buffer(aligned)}, {File: good, Into: Buffer(aligned)}}
	m.Read(files)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if files[0].Err == nil {
		t.Error("what cannot be read was read")
	}
	if files[1].Err != nil && !errors.Is(files[1].Err, ErrNotAtOnce) || files[1].Err == nil && string(files[1].Into[:files[1].N]) != "good" {
		t.Errorf("%q: %v", files[1].Into[:4], files[1].Err)
	}
}
