// Package viewer writes the copy for a person: index.html in the bag and the
// pages beside it, to look at photos by month, contacts, notes and calendars with
// any browser, from disk, long after Clearance is gone.
//
// It imports backup/bag, backup/ledger (for a word), backup/source and backup/place. It reads the bag and
// writes index.html, export/view (pages and what is remembered of the photos) and
// export/previews (small JPEG files, by the sum of the photo's content). All of it
// is convenience: it is in no manifest, is made again from the copy at any time,
// and nothing is ever decided by it.
//
// # Pages
//
// index.html has what a person who fears for their photos asks first: when the
// copy was made, how much is in it, when it was last read back, and what could not
// be copied. Photos, contacts, notes and calendar entries follow on pages of a
// bounded size in export/view, so that a browser never holds 20,000 pictures: a
// page has at most 1,000 photos, whose previews load when they come into view.
// Reading needs no script; searching and looking through photos by the arrow keys
// do.
//
// # What the browser is kept from
//
// Names and contents are hostile. html/template escapes them; Markdown is rendered
// without raw HTML. A Content-Security-Policy allows the one script and the one
// style sheet that stand in the page, by their sums, pictures from the place of the
// page itself, and nothing else: no network, no frame, no form, no eval, and by
// Trusted Types no HTML made by script. Measured in Chromium 156: 'self' means any
// file for a page from disk; a script or data file beside the page cannot be
// allowed by its sum there, so what is searched stands in index.html as a block of
// JSON. A file of the copy is linked only if both its bytes and its extension are
// of a picture format that browsers show and that runs nothing (never SVG or HTML).
// A link that a note has to the web says nothing of where it stood, and its host is
// not looked up before somebody follows it.
//
// # Previews
//
// A preview is made once for each content. One that the camera embedded is taken
// first, as it costs a thousandth of decoding, and replaced by a better one while
// the time given lasts; what time did not suffice for has a tile with its name and
// waits for the next run. The list of previews is written after they are durable,
// and one that is not listed is made anew. A picture is refused by the size that
// its header declares before it is decoded; what is decoded at once, by all
// workers, is bounded in bytes; each picture has a deadline. HEIC and films have
// no decoder here: without an embedded preview they have a tile with their name.
//
// Invariants:
//   - Nothing beneath data/ is written, and no path outside the bag is read.
//   - What is not shown is counted, and said.
//   - Failures come first, and each has a sentence and a next step.
package viewer
