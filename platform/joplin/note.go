package joplin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset"
)

// filesFolder holds the files that notes show, as in Joplin's own export.
const filesFolder = "_resources"

// notebook is a database with the folder of its files.
type notebook struct {
	at     string
	files  *scan.Root // nil where there is none
	folder string     // in the copy
}

var errEncrypted = errors.New("it is encrypted here: open Joplin, enter the password, and let it decrypt")

func (n *notebook) list(ctx context.Context, ref source.Ref, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		c, err := read(ctx, n.at)
		if err != nil {
			yield(dataset.Incomplete(ref, err))
			return
		}
		places := make(map[string]string, len(c.notes)+len(c.resources)) // by id
		for _, r := range c.resources {
			places[r.Text("id")] = filesFolder + "/" + fileName(r)
		}
		for _, note := range c.notes {
			places[note.Text("id")] = c.place(note) + ".md"
		}
		for _, note := range c.notes {
			for it, err := range n.note(ref, &c, note, places) {
				if !yield(it, err) {
					return
				}
			}
		}
		for _, r := range c.resources {
			if !yield(n.resource(ref, r, places[r.Text("id")])) {
				return
			}
		}
	}
}

// note gives a note's two files, or its failure.
func (n *notebook) note(ref source.Ref, c *content, note row, places map[string]string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		id, name := note.Text("id"), note.Text("title")
		if note.Int("encryption_applied") != 0 {
			it := source.Item{Key: source.Key{Ref: ref, ID: id}, Name: "encrypted note " + id, Folder: n.folder, Rev: fmt.Sprint(note.Int("updated_time")), Size: -1, Ext: ".md"}
			yield(it, &source.Failed{Item: it, Reason: source.Unreadable, Err: errEncrypted})
			return
		}
		changed := time.UnixMilli(note.Int("user_updated_time")).UTC()
		at := places[id]
		for _, form := range []struct {
			id, ext string
			raw     []byte
		}{{id, ".json", c.master(note)}, {id + "#text", ".md", c.markdown(note, at, places)}} {
			it := dataset.Made(ref, form.id, name, n.folder, form.ext, form.raw)
			it.Path, it.ModTime = strings.TrimSuffix(at, ".md")+form.ext, changed
			if !yield(it, nil) {
				return
			}
		}
	}
}

// master is everything that Joplin stores of a note.
func (c *content) master(note row) []byte {
	raw, err := json.MarshalIndent(map[string]any{"note": note, "notebooks": c.booksOf(note), "tags": c.tags[note.Text("id")]}, "", "  ")
	if err != nil {
		panic("joplin: cannot encode texts and numbers: " + err.Error())
	}
	return append(raw, '\n')
}

// linked is what Joplin writes for a note or a file.
var linked = regexp.MustCompile(`:/([0-9a-f]{32})`)

// markdown is a note for reading, with links to where its files lie in the copy.
func (c *content) markdown(note row, at string, places map[string]string) []byte {
	var b bytes.Buffer
	title := strings.Join(strings.Fields(note.Text("title")), " ")
	switch done := note.Int("todo_completed"); {
	case note.Int("is_todo") == 0:
	case done > 0:
		title = "[x] " + title
	default:
		title = "[ ] " + title
	}
	if title != "" {
		fmt.Fprintf(&b, "# %s\n\n", title)
	}
	up := strings.Repeat("../", strings.Count(at, "/"))
	b.WriteString(linked.ReplaceAllStringFunc(note.Text("body"), func(link string) string {
		if to := places[link[2:]]; to != "" {
			return up + escapedPath(to)
		}
		return link
	}))
	b.WriteByte('\n')
	for _, line := range []struct {
		label string
		text  string
	}{
		{"Notebook", strings.Join(c.booksOf(note), " / ")}, {"Tags", strings.Join(c.tags[note.Text("id")], ", ")}, {"Due", moment(note.Int("todo_due"))},
		{"Done", moment(note.Int("todo_completed"))}, {"From", note.Text("source_url")}, {"In the trash since", moment(note.Int("deleted_time"))},
	} {
		if line.text != "" {
			fmt.Fprintf(&b, "\n%s: %s\n", line.label, strings.Join(strings.Fields(line.text), " "))
		}
	}
	return b.Bytes()
}

func moment(ms int64) string {
	if ms <= 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04 MST")
}

// escapedPath is a path as a link in Markdown takes it.
func escapedPath(p string) string {
	return strings.NewReplacer("%", "%25", " ", "%20", "(", "%28", ")", "%29", "<", "%3C", ">", "%3E", "#", "%23", "?", "%3F").Replace(p)
}

// place is where a note lies in the copy, without its extension: in folders named
// for its notebooks, by its title and the beginning of its id.
func (c *content) place(note row) string {
	parts := c.booksOf(note)
	for i := range parts {
		parts[i] = name(parts[i], "notebook")
	}
	id := note.Text("id")
	return path.Join(append(parts, name(note.Text("title"), "note")+" "+name(id[:min(8, len(id))], "id"))...)
}

// maxName of a folder or note, bytes: the bag moves what lies too deep, and links
// would lead nowhere.
const maxName = 60

// name is a title as one name that the bag leaves as it is.
func name(title, or string) string {
	title = strings.TrimSpace(title)
	for len(title) > maxName {
		title = title[:maxName]
		title = strings.ToValidUTF8(title, "")
	}
	title = strings.Trim(title, ". ")
	if title == "" || title == filesFolder {
		title = or
	}
	return bag.Sanitise(title)
}

// fileName is the name of a file of Joplin's.
func fileName(r row) string {
	ext := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, r.Text("file_extension"))
	if ext != "" {
		ext = "." + ext
	}
	return bag.Sanitise(strings.ReplaceAll(r.Text("id"), "/", "_")) + ext
}

// resource is the item of a file that notes show, or its failure.
func (n *notebook) resource(ref source.Ref, r row, at string) (source.Item, error) {
	it := source.Item{Key: source.Key{Ref: ref, ID: "file:" + r.Text("id")}, Name: r.Text("title"), Path: at, Folder: n.folder,
		Rev: fmt.Sprint(r.Int("updated_time")), Size: -1, Ext: path.Ext(at), MediaType: r.Text("mime")}
	if it.Name == "" {
		it.Name = path.Base(at)
	}
	failed := func(why source.Reason, err error) (source.Item, error) {
		return it, &source.Failed{Item: it, Reason: why, Err: err}
	}
	if r.Int("encryption_applied") != 0 || r.Int("encryption_blob_encrypted") != 0 {
		return failed(source.Unreadable, errEncrypted)
	}
	if n.files == nil {
		return failed(source.OnlyInCloud, fs.ErrNotExist)
	}
	stat, err := n.files.Lstat(path.Base(at))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return failed(source.OnlyInCloud, errors.New("it was not fetched to this device"))
	case err != nil:
		return failed(source.Unreadable, err)
	}
	it.Rev, it.Size, it.ModTime, it.File = stat.Rev(), stat.Size, stat.ModTime(), &source.FileRef{Root: n.files, Path: path.Base(at)}
	return it, nil
}
