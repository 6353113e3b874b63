package viewer_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestPagesInBrowser: every page, with what is hostile on it, at the widths of a
// phone and a desktop, light and dark, loads from disk without a breach of its
// policy, a request or an error, fits into the width, and runs nothing of the
// account's.
func TestPagesInBrowser(t *testing.T) {
	c := newCopy(t)
	c.put(append(hostile(t), aLife(t)...)...)
	c.fold(failures...)
	c.write()
	b := newBrowser(t)
	for _, name := range c.pages() {
		for width, scheme := range map[int64]string{360: "dark", 1280: "light"} {
			where := fmt.Sprintf("%s at %d px, %s", name, width, scheme)
			b.look(width, scheme)
			b.run(chromedp.Navigate(c.url(name)), chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach(d => d.open = true)`))
			if over := eval[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
				t.Errorf("%s: %d px wider than the window", where, over)
			}
			if eval[bool](b, `typeof window.pwned !== "undefined"`) {
				t.Errorf("%s: ran what stands in the account", where)
			}
			if light := eval[int](b, `Number(getComputedStyle(document.body).backgroundColor.match(/\d+/)[0])`); (light > 128) != (scheme == "light") {
				t.Errorf("%s: the ground is %d", where, light)
			}
			if poor := eval[[]string](b, contrastJS); len(poor) > 0 {
				t.Errorf("%s: too little contrast: %v", where, poor)
			}
			if without := eval[[]string](b, accessJS); len(without) > 0 {
				t.Errorf("%s: %v", where, without)
			}
			b.clean(where)
		}
	}
}

// contrastJS names text with less contrast than 4.5 to its ground (WCAG 2.2,
// 1.4.3), on plain grounds.
const contrastJS = `(() => {
  const part = s => s.match(/[\d.]+/g).map(Number);
  const lum = c => { const f = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]); };
  const ground = e => { for (; e; e = e.parentElement) { const c = part(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
  const poor = new Set();
  for (const e of [...document.querySelectorAll("body *")].slice(0, 800)) {
    if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || e.closest(".badge, script, style, .skip")) continue;
    const a = lum(part(getComputedStyle(e).color)), b = lum(ground(e));
    if ((Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5) poor.add(e.tagName + "." + e.className);
  }
  return [...poor];
})()`

// accessJS names what somebody who cannot see the page would miss.
const accessJS = `(() => {
  const bad = [];
  if (document.querySelectorAll("main").length !== 1) bad.push("not one main landmark");
  if (document.querySelectorAll("h1").length !== 1) bad.push("not one first heading");
  if (!document.documentElement.lang) bad.push("no language");
  for (const i of document.images) if (!i.hasAttribute("alt")) bad.push("a picture without a text");
  for (const a of document.querySelectorAll("a, button, summary, [role=img]")) if (!(a.textContent.trim() || a.getAttribute("aria-label"))) bad.push("nameless " + a.outerHTML.slice(0, 200));
  for (const i of document.querySelectorAll("input:not([type=checkbox])")) if (!i.labels.length) bad.push("a field without a label");
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  if (new Set(ids).size !== ids.length) bad.push("an id twice");
  for (const e of document.querySelectorAll("[aria-labelledby], [aria-describedby]"))
    for (const a of ["aria-labelledby", "aria-describedby"])
      if (e.hasAttribute(a) && !document.getElementById(e.getAttribute(a))) bad.push(a + " leads nowhere");
  return bad;
})()`

// TestSearchByKeyboard: from anywhere on the page to the contact, without a mouse.
func TestSearchByKeyboard(t *testing.T) {
	c := newCopy(t)
	c.put(aLife(t)...)
	c.write()
	b := newBrowser(t)
	b.run(chromedp.Navigate(c.url("index.html")))
	b.keys("/")
	b.keys("muller backerei") // without accents
	b.until(`document.querySelectorAll("#hits a").length === 1 && document.getElementById("said").textContent === "1 found."`)
	b.keys(kb.ArrowDown)
	if at := eval[string](b, `document.activeElement.textContent`); !strings.Contains(at, "Anna Müller") {
		t.Errorf("the arrow leads to %q", at)
	}
	b.keys(kb.Enter)
	b.until(`location.pathname.endsWith("/export/view/contacts-1.html") && document.querySelector("details[open] b")?.textContent === "Anna Müller" && document.activeElement.tagName === "SUMMARY"`)
	b.keys("/")
	b.until(`location.pathname.endsWith("/index.html") && document.activeElement?.id === "search"`)
	b.keys("nowhere")
	b.until(`document.getElementById("said").textContent === "Nothing found."`)
	b.keys(kb.Escape)
	b.until(`document.getElementById("said").textContent === "" && document.getElementById("search").value === ""`)
	b.clean("searching")
}

// TestPhotosByKeyboard: from tile to tile, into the large view, on, and back.
func TestPhotosByKeyboard(t *testing.T) {
	c := newCopy(t)
	c.put(append(aLife(t), library(t, 12)...)...)
	c.write()
	b := newBrowser(t)
	b.look(1280, "light")
	b.run(chromedp.Navigate(c.url("export/view/photos-1.html")), chromedp.Evaluate[chromedp.Void](`document.querySelector("a.tile").focus()`))
	name := func() string { return eval[string](b, `document.activeElement.dataset.name || ""`) }
	first := name()
	b.keys(kb.ArrowRight)
	if next := name(); next == first || next == "" {
		t.Errorf("the arrow leads from %q to %q", first, next)
	}
	b.keys(kb.ArrowLeft + kb.Enter)
	b.until(`document.querySelector("dialog").open && document.querySelector("dialog img").naturalWidth > 0`)
	if said := eval[string](b, `document.querySelector("dialog .foot p").textContent`); !strings.Contains(said, first) || !strings.Contains(said, "1 of 14") {
		t.Errorf("the large view says %q", said)
	}
	b.keys(kb.ArrowRight)
	b.until(`document.querySelector("dialog .foot p").textContent.includes("2 of 14") && document.querySelector("dialog img").naturalWidth > 0`)
	b.keys(kb.End + kb.ArrowRight)
	b.until(`document.querySelector("dialog .foot p").textContent.includes("14 of 14")`)
	b.keys(kb.Escape)
	b.until(`!document.querySelector("dialog").open && document.activeElement === [...document.querySelectorAll("a.tile")].at(-1)`)
	b.clean("looking through photos")
}

// TestReadingWithoutScript: everything but searching is there.
func TestReadingWithoutScript(t *testing.T) {
	c := newCopy(t)
	c.put(aLife(t)...)
	c.write()
	b := newBrowser(t)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.run(chromedp.Navigate(c.url("index.html")))
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Last copied", "July 2024", "June 2024", "Anna Müller", "Night train", "Alps"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not shown", want)
		}
	}
	if strings.Contains(text, "Search the copy") {
		t.Error("a field for searching is shown that cannot search")
	}
	b.run(chromedp.Click(chromedp.CSS(`a[href^="export/view/photos-1.html#m2024-06"]`)), chromedp.WaitVisible(chromedp.CSS(`#m2024-06 a.tile img`)))
	b.clean("without script")
}

// TestManyPhotos: however many photos there are, a page holds a thousand, and the
// browser loads the pictures that are seen.
func TestManyPhotos(t *testing.T) {
	c := newCopy(t)
	c.put(library(t, *manyPhotos)...)
	began := time.Now()
	r := c.write()
	t.Logf("%d photos on %d pages, %d previews made in %v", r.Photos, r.Pages, r.Made, time.Since(began))
	b := newBrowser(t)
	for _, name := range []string{"index.html", "export/view/photos-1.html", "export/view/photos-2.html"} {
		b.look(1280, "light")
		began = time.Now()
		b.run(chromedp.Navigate(c.url(name)))
		b.until(`document.readyState === "complete"`)
		ready := time.Since(began)
		b.until(loadedJS + ` > 0`) // lazy ones are not awaited by the page itself
		nodes, seen := eval[int](b, `document.querySelectorAll("*").length`), eval[int](b, loadedJS)
		if nodes > 8000 || seen > 400 {
			t.Errorf("%s: %d elements, %d pictures loaded at first", name, nodes, seen)
		}
		frames := eval[[]float64](b, scrollJS)
		t.Logf("%s: ready in %v, %d elements, %d pictures at first, %d after scrolling to the end; frames: half under %.1f ms, 95 %% under %.1f ms, the longest %.1f ms",
			name, ready, nodes, seen, eval[int](b, loadedJS), frames[len(frames)/2], frames[len(frames)*95/100], frames[len(frames)-1])
		b.clean(name)
	}
}

// manyPhotos can be raised to measure: go test ./backup/viewer -run ManyPhotos -v -photos 20000
var manyPhotos = flag.Int("photos", 1100, "how many photos TestManyPhotos puts into the copy")

const loadedJS = `[...document.images].filter(i => i.complete && i.naturalWidth > 0).length`

// scrollJS scrolls to the end, a third of the window a frame, and gives how long
// each frame took, sorted, in milliseconds.
const scrollJS = `new Promise(done => {
  const frames = []; let last = performance.now();
  const step = now => {
    frames.push(now - last); last = now;
    const before = scrollY; scrollBy(0, innerHeight / 3);
    if (scrollY === before || frames.length > 2000) done(frames.sort((a, b) => a - b)); else requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})`

// TestPolicyHolds: were something of the account's ever to get onto a page, the
// browser would not run it, nor fetch what it names.
func TestPolicyHolds(t *testing.T) {
	c := newCopy(t)
	c.put(aLife(t)...)
	c.write()
	b := newBrowser(t)
	for _, name := range c.pages() {
		b.run(chromedp.Navigate(c.url(name)))
		got := eval[string](b, attackJS)
		// Scripts are stopped by the demand for trusted types, before the sums of
		// scripts are looked at.
		if want := "connect-src frame-src img-src require-trusted-types-for style-src-attr style-src-elem"; got != want {
			t.Errorf("%s: the policy stopped %q, want %q", name, got, want)
		}
	}
}

// attackJS puts what attackers put into a page, and gives the directives that
// stopped it, "ran" among them if anything ran.
const attackJS = `(async () => {
  const stopped = new Set();
  addEventListener("securitypolicyviolation", e => stopped.add(e.effectiveDirective));
  const put = (tag, set) => { const e = document.createElement(tag); set(e); document.body.append(e); };
  put("script", e => { try { e.textContent = "window.pwned = 1"; } catch {} e.append("window.pwned = 1"); });
  put("img", e => e.src = "https://attacker.example/x.png");
  put("div", e => { try { e.setAttribute("onclick", "window.pwned = 1"); e.click(); } catch {} });
  put("div", e => e.setAttribute("style", "color: red"));
  put("style", e => e.textContent = "body { display: none }");
  put("iframe", e => e.src = "https://attacker.example/");
  await fetch("https://attacker.example/").catch(() => {});
  try { document.body.lastChild.innerHTML = "<b>x</b>"; stopped.add("ran"); } catch {}
  for (let i = 0; i < 100 && stopped.size < 6; i++) await new Promise(done => setTimeout(done, 100));
  if (window.pwned) stopped.add("ran");
  return [...stopped].sort().join(" ");
})()`
