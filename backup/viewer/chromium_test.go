package viewer_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browser is a headless Chromium that notes whatever a page must not do.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	wrongs []string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if at, err := exec.LookPath(name); err == nil {
			program = at
			break
		}
	}
	if program == "" {
		t.Skip("NOT CHECKED in a browser: there is no Chromium here (apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"), chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(time.Minute))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses to start as root
	}
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(stop)
	ctx, free := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(free)
	ctx, shut := chromedp.NewContext(ctx)
	t.Cleanup(shut)
	b := &browser{t: t, ctx: ctx}
	err := chromedp.Listen(ctx, b.note)
	if err == nil {
		_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	}
	for _, domain := range []cdp.Command[cdp.Empty, cdp.Empty]{log.Enable, runtime.Enable} {
		if err == nil {
			_, err = chromedp.Call(ctx, domain, cdp.Empty{})
		}
	}
	if err != nil {
		t.Fatalf("cannot start Chromium: %v", err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return b
}

// note keeps what is said in the console, every exception, each breach of the
// policy, and each request that is not for a file.
func (b *browser) note(ev any) {
	wrong := ""
	switch ev := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		wrong = fmt.Sprintf("console: %s %v", ev.Type, ev.Args)
	case *runtime.EventExceptionThrown:
		wrong = fmt.Sprintf("exception: %+v", *ev.ExceptionDetails)
	case *log.EventEntryAdded:
		wrong = fmt.Sprintf("log: %s %s %s", ev.Entry.Source, ev.Entry.Text, ev.Entry.URL)
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(ev.Request.URL, "file://") {
			wrong = "request: " + ev.Request.URL
		}
	case *network.EventWebSocketCreated:
		wrong = "web socket: " + ev.URL
	}
	if wrong != "" {
		b.mu.Lock()
		b.wrongs = append(b.wrongs, wrong)
		b.mu.Unlock()
	}
}

// clean fails the test for whatever was noted since the last call.
func (b *browser) clean(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.wrongs {
		b.t.Errorf("%s: %s", where, w)
	}
	b.wrongs = nil
}

func (b *browser) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// eval gives the value of an expression of the page.
func eval[T any](b *browser, js string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// until waits for an expression of the page to be true, also while another page
// takes its place. (chromedp's own polling needs eval, which the policy forbids.)
func (b *browser) until(js string) {
	b.t.Helper()
	wait := fmt.Sprintf(`new Promise(done => { const end = Date.now() + 5000, look = () => (%s) ? done(true) : Date.now() > end ? done(false) : setTimeout(look, 20); look(); })`, js)
	end := time.Now().Add(40 * time.Second)
	for {
		held, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](wait, chromedp.EvalAwaitPromise))
		if err == nil && held {
			return
		}
		if b.ctx.Err() != nil || !time.Now().Before(end) {
			b.t.Fatalf("%s: %v", js, err)
		}
	}
}

// keys presses keys as a keyboard does: a key that the page takes for itself types
// nothing. (chromedp sends what is typed by itself, whatever the page did.)
func (b *browser) keys(keys string) {
	b.t.Helper()
	for _, r := range keys {
		down := *kb.Encode(r)[0]
		down.Type = input.DispatchKeyEventTypeKeyDown
		if k := kb.Keys[r]; k != nil {
			down.Text, down.UnmodifiedText = k.Text, k.Unmodified
		}
		up := down
		up.Type, up.Text, up.UnmodifiedText = input.DispatchKeyEventTypeKeyUp, "", ""
		for _, event := range []input.DispatchKeyEventParams{down, up} {
			if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, event); err != nil {
				b.t.Fatal(err)
			}
		}
	}
}

func (c *copied) url(name string) string {
	return (&url.URL{Scheme: "file", Path: filepath.Join(c.dir, name)}).String()
}

// look sets a width in CSS pixels and a colour scheme.
func (b *browser) look(width int64, scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: 800, DeviceScaleFactor: 1, Mobile: width < 600})
	if err == nil {
		_, err = chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
