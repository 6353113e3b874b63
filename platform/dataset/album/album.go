package album

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/sqliteread"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Photo is one photo or film of an album.
type Photo struct {
	Path    string `json:"path"` // absolute; below its disk where that is not plugged in
	Title   string `json:"title,omitempty"`
	Comment string `json:"comment,omitempty"`
	Rating  int64  `json:"rating,omitempty"`
	// Edits are the changes that the program only shows, in its own words.
	Edits string `json:"edits,omitempty"`
}

// Album is one list of photos.
type Album struct {
	ID      string  `json:"-"`
	Title   string  `json:"album"`
	Kind    string  `json:"kind"` // the program's word: event, tag, folder
	Comment string  `json:"comment,omitempty"`
	Photos  []Photo `json:"photos"`
}

// Library is what a program's database holds.
type Library struct {
	Albums []Album
	// Files are the photos on this device, absolute.
	Files []string
}

// Program is one library of a program.
type Program struct {
	Finder  string // the word before the colon of the stores' ids
	ID      string // which library: stays the same
	Name    string // as shown to a person: "Shotwell"
	At      string // its database
	Dirs    xdg.Dirs
	Seen    *Seen // what was read before
	Library func(context.Context, *sqliteread.Snapshot) (Library, error)
}

// Stores are the albums of a library, and its photos outside the person's
// pictures.
func (p Program) Stores(ctx context.Context) []dataset.Store {
	albums := dataset.Store{ID: departure.SourceID(p.Finder + ":" + p.ID + "/albums"), Dataset: departure.Photos, Name: "albums of " + p.Name, Watched: []string{p.At}}
	photos := dataset.Store{ID: departure.SourceID(p.Finder + ":" + p.ID + "/photos"), Dataset: departure.Photos, Name: "photos of " + p.Name + " outside your pictures", Watched: []string{p.At}}
	files, err := p.Seen.files(ctx, &p)
	if err != nil {
		return []dataset.Store{dataset.Unreadable(albums, err), dataset.Unreadable(photos, err)}
	}
	albums.List = p.albums
	stores := []dataset.Store{albums}
	if outside := p.outside(files); len(outside) > 0 {
		photos.Watched = append(photos.Watched, watched(outside, p.Dirs.Home)...)
		stores = append(stores, p.photos(photos))
	}
	return stores
}

func (p Program) read(ctx context.Context) (lib Library, err error) {
	s, err := sqliteread.Open(ctx, p.At, sqliteread.Limits{})
	if err != nil {
		return lib, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return p.Library(ctx, s)
}

// albums lists each album as an item.
func (p Program) albums(ctx context.Context, ref source.Ref, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		lib, err := p.read(ctx)
		if err != nil {
			yield(dataset.Incomplete(ref, err))
			return
		}
		for _, a := range lib.Albums {
			it := dataset.Made(ref, a.ID, a.Title, p.Name, ".json", a.text())
			it.Path = "albums/" + bag.NameForID(ref, a.ID, "") + " " + name(a.Title) + ".json"
			if !yield(it, nil) {
				return
			}
		}
	}
}

// text is the album as it stands in the copy.
func (a *Album) text() []byte {
	if a.Photos == nil {
		a.Photos = []Photo{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(a); err != nil {
		panic("album: cannot encode texts and numbers: " + err.Error())
	}
	return b.Bytes()
}

// maxName of a title in a file's name, bytes.
const maxName = 60

func name(title string) string {
	for len(title) > maxName {
		title = strings.ToValidUTF8(title[:maxName], "")
	}
	return bag.Sanitise(strings.TrimSpace(title))
}

// outside are the files that lie in no folder of pictures.
func (p Program) outside(files []string) []string {
	var out []string
	for _, at := range files {
		if at = filepath.Clean(at); filepath.IsAbs(at) && (p.Dirs.Pictures == "" || !within(p.Dirs.Pictures, at)) {
			out = append(out, at)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// within reports whether a path lies in a folder, by its text.
func within(folder, at string) bool {
	rel, err := filepath.Rel(folder, at)
	return err == nil && filepath.IsLocal(rel)
}

// maxWatched folders of photos.
const maxWatched = 40

// watched are folders and files beneath which each of the files is. A folder that
// the home lies in is always busy: there the files are watched themselves.
func watched(files []string, home string) []string {
	folders, single := make(map[string]bool), make(map[string]bool)
	for _, at := range files {
		if dir := filepath.Dir(at); within(dir, home) {
			single[at] = true
		} else {
			folders[dir] = true
		}
	}
	for len(folders) > maxWatched {
		deepest := ""
		for dir := range folders {
			if !within(filepath.Dir(dir), home) && strings.Count(dir, "/") > strings.Count(deepest, "/") {
				deepest = dir
			}
		}
		if deepest == "" {
			break // none is left whose parent is not always busy
		}
		delete(folders, deepest)
		folders[filepath.Dir(deepest)] = true
	}
	var all []string
	for at := range folders {
		all = append(all, at)
	}
	for at := range single {
		all = append(all, at)
	}
	slices.Sort(all)
	return all
}

// photos fills the store of the photos that lie elsewhere.
func (p Program) photos(s dataset.Store) dataset.Store {
	root, err := scan.Open("/")
	if err != nil {
		return dataset.Unreadable(s, err)
	}
	s.Close = root.Close
	s.List = func(ctx context.Context, ref source.Ref, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
		return func(yield func(source.Item, error) bool) {
			lib, err := p.read(ctx)
			if err != nil {
				yield(dataset.Incomplete(ref, err))
				return
			}
			for _, at := range p.outside(lib.Files) {
				if err := ctx.Err(); err != nil {
					yield(dataset.Incomplete(ref, err))
					return
				}
				if !yield(p.photo(root, ref, at)) {
					return
				}
			}
		}
	}
	return s
}

func (p Program) photo(root *scan.Root, ref source.Ref, at string) (source.Item, error) {
	it := source.Item{Key: source.Key{Ref: ref, ID: at}, Name: filepath.Base(at), Path: strings.TrimPrefix(at, "/"), Folder: p.Name, Rev: "none", Size: -1, Ext: filepath.Ext(at)}
	if it.Ext == "" {
		it.Ext = ".bin"
	}
	// A folder above it may be a link, as /home is on some systems.
	dir, err := filepath.EvalSymlinks(filepath.Dir(at))
	below := strings.TrimPrefix(filepath.Join(dir, filepath.Base(at)), "/")
	if err == nil {
		var stat scan.Stat
		if stat, err = root.Lstat(below); err == nil {
			it.Rev, it.Size, it.ModTime, it.File = stat.Rev(), stat.Size, stat.ModTime(), &source.FileRef{Root: root, Path: below}
			return it, nil
		}
	}
	why := source.Unreadable
	if errors.Is(err, fs.ErrNotExist) {
		why, err = source.Vanished, fmt.Errorf("%s names it, and it is not there", p.Name)
	}
	return it, &source.Failed{Item: it, Reason: why, Err: err}
}

// There reports whether a library's database is there.
func There(at string) bool {
	_, err := os.Lstat(at)
	return !errors.Is(err, fs.ErrNotExist)
}
