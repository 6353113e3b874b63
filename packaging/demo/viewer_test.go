package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/viewer"
	"github.com/clearance-project/clearance/packaging/demo/content"
)

var shoot = flag.String("shoot", "", "file to write the README's picture of index.html to: go test ./packaging/demo -run Viewer -shoot \"$PWD/packaging/demo/viewer.png\"")

// TestViewer shows what the demo's account holds as a person sees the copy of it.
func TestViewer(t *testing.T) {
	dir := demoCopy(t)
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("NOT CHECKED in a browser: there is no Chromium here (apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(time.Minute), chromedp.Flag("hide-scrollbars", true))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses to start as root
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	ctx, free := chromedp.NewExecAllocator(ctx, options...)
	defer free()
	ctx, shut := chromedp.NewContext(ctx)
	defer shut()
	_, err = chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 920, Height: 785, DeviceScaleFactor: 1})
	if err == nil {
		err = chromedp.Do(ctx, chromedp.Navigate((&url.URL{Scheme: "file", Path: filepath.Join(dir, "index.html")}).String()))
	}
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := chromedp.Run(ctx, chromedp.Evaluate[int](`Promise.all([...document.images].slice(0, 5).map(i => i.decode())).then(all => all.length)`, chromedp.EvalAwaitPromise))
	if err != nil || loaded < 5 {
		t.Errorf("%d previews are shown: %v", loaded, err)
	}
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(picture))
	if err != nil || m.Bounds().Dx() != 920 {
		t.Fatalf("the picture of the page: %v", err)
	}
	if *shoot != "" {
		var small bytes.Buffer
		best := png.Encoder{CompressionLevel: png.BestCompression}
		if err := best.Encode(&small, m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(*shoot, small.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// demoCopy is a copy of the demo's account, with its pages.
func demoCopy(t *testing.T) string {
	t.Helper()
	at := time.Date(2026, 11, 24, 9, 41, 0, 0, time.UTC)
	b, err := bag.Create(t.TempDir(), "copy", bag.Options{Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	sizes := content.Sizes{Photos: 14, Contacts: 6, Notes: 6, Events: 6, Tasks: 2}
	if *shoot != "" {
		sizes = content.Demo
	}
	set := content.Generate(1, sizes)
	var batch []bag.Addition
	add := func(dataset source.Dataset, from, id, place, ext string, data []byte, mod time.Time) {
		s, err := b.Stage(int64(len(data)))
		if err == nil {
			_, err = s.Write(data)
		}
		if err == nil {
			err = s.Finish(mod)
		}
		if err != nil {
			t.Fatal(err)
		}
		key := source.Key{Ref: source.Ref{Account: "alice", Dataset: dataset, Source: from}, ID: id}
		batch = append(batch, bag.Addition{Item: &source.Item{Key: key, Path: place, Ext: ext, Size: int64(len(data)), ModTime: mod}, Staged: s, FirstSeen: at})
	}
	for _, f := range set.Photos {
		add(source.Photos, "Photos", f.Path, f.Path, "", f.Data, f.ModTime)
	}
	for _, f := range set.Notes {
		add(source.Notes, "Notes", f.Path, f.Path, "", f.Data, f.ModTime)
	}
	for _, o := range set.Contacts {
		add(source.Contacts, "Contacts", o.UID, "", ".vcf", []byte(o.Data), at)
	}
	for _, o := range append(set.Events, set.Tasks...) {
		add(source.Calendars, "Personal", o.UID, "", ".ics", []byte(o.Data), at)
	}
	_, err = b.Commit(batch)
	if err == nil {
		err = b.Fold(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := viewer.Write(t.Context(), b, viewer.Options{Now: func() time.Time { return at.Add(time.Minute) }, Zone: time.UTC,
		Account: "alice@cloud.example", Verified: viewer.Verified{At: at, Items: len(batch)}})
	if err != nil || r.Outcome != viewer.Complete || r.Without > 0 {
		t.Fatalf("%+v %v", r, err)
	}
	return b.Path()
}
