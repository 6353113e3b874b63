package hostile

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
)

// secret stands in the file outside that nobody may read.
const secret = "SECRET-OF-SOMEBODY-ELSE-5f1c"

// deadline is within which everything ends, on a slow machine too.
const deadline = 90 * time.Second

// home is a source, a bag and a ledger, with a canary beside them.
type home struct {
	t        *testing.T
	dir      string // everything
	src      string // what is copied
	outside  string // what belongs to somebody else
	at       string // where the source is opened; "": src
	dest     string // where the bag lies
	items    []source.Item
	patience time.Duration
	match    func(string) bool
}

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{t: t, dir: t.TempDir()}
	h.src, h.outside, h.dest = h.dir+"/Pictures", h.dir+"/outside", h.dir+"/disk"
	for _, d := range []string{h.src, h.outside, h.dest, h.dir + "/state"} {
		must(t, os.Mkdir(d, 0o755))
	}
	must(t, os.WriteFile(h.outside+"/canary.jpg", []byte(secret), 0o644))
	// A time of reading before that of writing: relatime notes the next reading.
	must(t, os.Chtimes(h.outside+"/canary.jpg", time.Unix(1e9, 0), time.Unix(1.5e9, 0)))
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write makes a file of the source.
func (h *home) write(name, text string) {
	h.t.Helper()
	p := h.src + "/" + name
	must(h.t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(h.t, os.WriteFile(p, []byte(text), 0o644))
}

func (h *home) mkdir(name string) {
	h.t.Helper()
	must(h.t, os.MkdirAll(h.src+"/"+name, 0o755))
}

func (h *home) link(to, name string) {
	h.t.Helper()
	must(h.t, os.MkdirAll(filepath.Dir(h.src+"/"+name), 0o755))
	must(h.t, os.Symlink(to, h.src+"/"+name))
}

func (h *home) bagDir() string { return h.dest + "/copy" }

var photos = source.Ref{Account: "alice@example.org", Dataset: source.Photos, Source: "Pictures"}

// later is a clock by which every stamp made so far has settled.
func later() time.Time { return time.Now().Add(time.Minute) }

// within runs what must end, whatever it meets.
func within[T any](t *testing.T, what string, call func() T) T {
	t.Helper()
	v, ended := scan.Ask(what+rand.Text(), deadline, call)
	if !ended {
		t.Fatalf("%s hangs", what)
	}
	return v
}

type result struct {
	report copy.Report
	err    error
}

// copy copies the source into the bag, which is made where there is none.
func (h *home) copy() (copy.Report, error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), deadline)
	defer cancel()
	r := within(h.t, "the copy", func() result {
		report, err := h.tryCopy(ctx)
		return result{report, err}
	})
	return r.report, r.err
}

func (h *home) tryCopy(ctx context.Context) (r copy.Report, err error) {
	at := h.at
	if at == "" {
		at = h.src
	}
	root, err := scan.Open(at)
	if err != nil {
		return r, err
	}
	defer root.Close()
	b, err := bag.Open(h.bagDir(), bag.Options{})
	if errors.Is(err, fs.ErrNotExist) {
		b, err = bag.Create(h.dest, "copy", bag.Options{})
	}
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	l, err := ledger.Open(h.dir + "/state")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	f := source.Folder{Ref: photos, Root: root, Folder: "Pictures", Now: later, Patience: h.patience, Match: h.match, BagIDs: map[string]bool{b.ID(): true}}
	listing := f.Items(ctx)
	if h.items != nil {
		listing = func(yield func(source.Item, error) bool) {
			for _, it := range h.items {
				if it.File != nil {
					it.File.Root = root
				}
				if !yield(it, nil) {
					return
				}
			}
		}
	}
	return copy.Run(ctx, b, l, listing, copy.Options{Now: later, Patience: h.patience, Sources: []source.Ref{photos}})
}

// canary fails where somebody else's file was read, changed, or joined by others.
func (h *home) canary() {
	h.t.Helper()
	var st unix.Stat_t
	must(h.t, unix.Stat(h.outside+"/canary.jpg", &st))
	var sf unix.Statfs_t
	must(h.t, unix.Statfs(h.outside, &sf))
	if sf.Flags&unix.ST_NOATIME == 0 && st.Atim.Sec != 1e9 {
		h.t.Error("somebody else's file was read")
	}
	if st.Mtim.Sec != 1.5e9 || st.Nlink != 1 {
		h.t.Errorf("somebody else's file was changed: %+v", st)
	}
	list, err := os.ReadDir(h.outside)
	must(h.t, err)
	if len(list) != 1 {
		h.t.Errorf("somebody else's folder was written to: %v", list)
	}
}

// whole runs sha256sum over the bag, as anyone would, and looks for what may not
// be in it.
func (h *home) whole() {
	h.t.Helper()
	h.sums()
	if i := slices.IndexFunc(h.payload(), func(text string) bool { return strings.Contains(text, secret) }); i >= 0 {
		h.t.Error("the copy holds somebody else's file")
	}
}

// sums runs sha256sum over what the manifests name.
func (h *home) sums() {
	h.t.Helper()
	for _, list := range []string{"manifest-sha256.txt", "tagmanifest-sha256.txt"} {
		cmd := exec.Command("sha256sum", "-c", "--strict", "--quiet", list)
		cmd.Dir = h.bagDir()
		if out, err := cmd.CombinedOutput(); err != nil {
			h.t.Errorf("sha256sum -c %s: %v\n%.2000s", list, err, out)
		}
	}
}

// payload are the contents of the files that the manifest names.
func (h *home) payload() []string {
	h.t.Helper()
	list, err := os.ReadFile(h.bagDir() + "/manifest-sha256.txt")
	must(h.t, err)
	var texts []string
	for line := range bytes.Lines(list) {
		p := bag.ManifestPath(line)
		if p == "" {
			h.t.Fatalf("the manifest has the line %q", line)
		}
		st, err := os.Lstat(h.bagDir() + "/" + p)
		must(h.t, err)
		if !st.Mode().IsRegular() || st.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 || st.Mode().Perm()&0o137 != 0 {
			h.t.Errorf("%s has the mode %v", p, st.Mode())
		}
		if st.Size() > 1<<20 || p == "data/about.txt" {
			continue
		}
		text, err := os.ReadFile(h.bagDir() + "/" + p)
		must(h.t, err)
		texts = append(texts, string(text))
	}
	return texts
}
