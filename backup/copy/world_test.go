package copy_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("CLEARANCE_TEST_VICTIM"); dir != "" {
		victim(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

var photos = source.Ref{Account: "nextcloud:alice@example.org", Dataset: source.Photos, Source: "/home/alice/Pictures"}

// world is a source, a bag and a ledger in folders of their own.
type world struct {
	t      testing.TB
	dir    string
	src    string
	bag    *bag.Bag
	ledger *ledger.Ledger
	wrap   func(disk.Root) disk.Root
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	w.src = filepath.Join(w.dir, "Pictures")
	for _, d := range []string{w.src, filepath.Join(w.dir, "state"), filepath.Join(w.dir, "disk")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	b, err := bag.Create(filepath.Join(w.dir, "disk"), "copy", bag.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

func (w *world) bagDir() string { return filepath.Join(w.dir, "disk", "copy") }

func (w *world) tryOpen() error {
	l, err := ledger.Open(filepath.Join(w.dir, "state"))
	if err != nil {
		return err
	}
	b, err := bag.Open(w.bagDir(), bag.Options{Wrap: w.wrap})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	w.bag, w.ledger = b, l
	return nil
}

func (w *world) open() {
	w.t.Helper()
	if w.bag != nil {
		return
	}
	if err := w.tryOpen(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) close() {
	if w.bag == nil {
		return
	}
	_ = w.bag.Close()
	_ = w.ledger.Close()
	w.bag, w.ledger = nil, nil
}

func (w *world) write(name, text string) {
	w.t.Helper()
	p := w.src + "/" + name
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.age(name, time.Hour)
}

// age sets the modification time back. The change time cannot be set: runs are
// given a clock that is ahead instead.
func (w *world) age(name string, by time.Duration) {
	w.t.Helper()
	at := time.Now().Add(-by).Truncate(time.Second)
	if err := os.Chtimes(w.src+"/"+name, at, at); err != nil {
		w.t.Fatal(err)
	}
}

// later is a clock by which every stamp made so far has settled.
func later() time.Time { return time.Now().Add(time.Minute) }

func (w *world) run(ctx context.Context, o copy.Options) (copy.Report, error) {
	w.t.Helper()
	w.open()
	if o.Now == nil {
		o.Now = later
	}
	root, err := scan.Open(w.src)
	if err != nil {
		w.t.Fatal(err)
	}
	defer root.Close()
	f := source.Folder{Ref: photos, Root: root, Folder: "Pictures", Now: o.Now}
	o.Sources = []source.Ref{photos}
	return copy.Run(ctx, w.bag, w.ledger, f.Items(ctx), o)
}

func (w *world) mustRun() copy.Report {
	w.t.Helper()
	r, err := w.run(w.t.Context(), copy.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) cover() copy.Coverage {
	w.t.Helper()
	w.open()
	root, err := scan.Open(w.src)
	if err != nil {
		w.t.Fatal(err)
	}
	defer root.Close()
	f := source.Folder{Ref: photos, Root: root, Now: later}
	c, err := copy.Cover(w.ledger, f.Items(w.t.Context()))
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// check runs sha256sum over the bag, as anyone would.
func (w *world) check() {
	w.t.Helper()
	if out, err := sha256sum(w.bagDir()); err != nil {
		w.t.Fatalf("sha256sum -c: %v\n%s", err, out)
	}
}

func sha256sum(dir string) (string, error) {
	cmd := exec.Command("sha256sum", "-c", "--strict", "--quiet", "manifest-sha256.txt")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), err
	}
	cmd = exec.Command("sha256sum", "-c", "--strict", "--quiet", "tagmanifest-sha256.txt")
	cmd.Dir = dir
	if _, serr := os.Stat(filepath.Join(dir, "tagmanifest-sha256.txt")); serr != nil {
		return "", nil
	}
	out, err = cmd.CombinedOutput()
	return string(out), err
}

// contents gives the manifest's paths and what stands in their files.
func (w *world) contents() map[string]string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.bagDir(), "manifest-sha256.txt"))
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for l := range strings.Lines(string(text)) {
		p := bag.ManifestPath([]byte(l))
		if p == "" {
			w.t.Fatalf("manifest line %q", l)
		}
		if _, twice := out[p]; twice {
			w.t.Fatalf("%q is in the manifest twice", p)
		}
		b, err := os.ReadFile(filepath.Join(w.bagDir(), p))
		if err != nil {
			w.t.Fatal(err)
		}
		out[p] = string(b)
	}
	delete(out, "data/about.txt")
	return out
}
