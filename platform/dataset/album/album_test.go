package album

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // a database

	"github.com/clearance-project/clearance/platform/dataset/datasettest"
	"github.com/clearance-project/clearance/platform/sqliteread"
)

// TestALibraryIsReadAgainWhenItChanged, and not before; one that was written a
// moment ago always.
func TestALibraryIsReadAgainWhenItChanged(t *testing.T) {
	at := filepath.Join(t.TempDir(), "x.db")
	datasettest.Database(t, at, "CREATE TABLE t (a)")
	reads := 0
	p := Program{At: at, Seen: &Seen{}, Library: func(context.Context, *sqliteread.Snapshot) (Library, error) {
		reads++
		return Library{Files: []string{fmt.Sprint("/", reads)}}, nil
	}}
	ask := func(want int) {
		t.Helper()
		files, err := p.Seen.files(t.Context(), &p)
		if err != nil || reads != want || !slices.Equal(files, []string{fmt.Sprint("/", reads)}) {
			t.Errorf("%d reads of %d, files %v, %v", reads, want, files, err)
		}
	}
	ask(1)
	ask(2)
	deadline := time.After(30 * time.Second)
	for stampOf(at) == "" {
		select {
		case <-deadline:
			t.Fatal("it never rests")
		case <-time.After(50 * time.Millisecond):
		}
	}
	ask(3)
	ask(3)
	datasettest.Database(t, at, "INSERT INTO t VALUES (1)")
	ask(4)
	if err := os.WriteFile(at, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Seen.files(t.Context(), &p); !errors.Is(err, sqliteread.ErrNotDatabase) {
		t.Errorf("a damaged one: %v", err)
	}
}

// TestWhatIsWatched: few folders, each file beneath one or named itself, and never
// the home as a whole.
func TestWhatIsWatched(t *testing.T) {
	files := []string{"/home/alice/a.jpg", "/b.jpg"}
	for i := range 300 {
		files = append(files, fmt.Sprintf("/data/%d/%d/x.jpg", i%7, i))
	}
	for i := range maxWatched + 5 {
		files = append(files, fmt.Sprintf("/home/alice/%d/deep/x.jpg", i))
	}
	got := watched(files, "/home/alice")
	if len(got) > maxWatched+5+7+2 {
		t.Errorf("%d are watched", len(got))
	}
	for _, f := range files {
		if !slices.ContainsFunc(got, func(at string) bool { return f == at || strings.HasPrefix(f, at+"/") }) {
			t.Errorf("%s is not watched by %v", f, got)
		}
	}
	if slices.Contains(got, "/") || slices.Contains(got, "/home/alice") || slices.Contains(got, "/home") {
		t.Errorf("watched are %v", got)
	}
}
