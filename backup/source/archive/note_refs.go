package archive

import (
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

// isMarkdown tells the notes in which files are looked for that they show.
func isMarkdown(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".md" || ext == ".markdown"
}

// references names what the notes of an archive show and what is not in it.
func (x *Export) references(all []item) {
	files := &tree{files: map[string]bool{}, folders: map[string][]leaf{}}
	for _, it := range all {
		files.put(it.path)
	}
	folder := source.NewNoteFolder(files, "")
	for _, it := range all {
		f := it.v.facts[it.i]
		lack := func(target string, why error) {
			x.put(source.Notes, item{v: it.v, i: -1, id: it.id + "//" + target, path: it.path + "//" + target, beside: true, reason: source.NoteFile, why: why})
		}
		if f.unread != nil {
			lack("", f.unread)
		}
		_, missing := folder.Resolve(it.path, f.refs)
		named := map[string]bool{}
		for _, m := range missing {
			if !named[m.Target] {
				named[m.Target] = true
				lack(m.Target, m)
			}
		}
	}
}

// tree is the files of an archive by name alone, and folders with what is in
// them. It is an fs.FS to look for names in.
type tree struct {
	files   map[string]bool
	folders map[string][]leaf
}

// put adds a file and the folders above it.
func (t *tree) put(name string) {
	if !fs.ValidPath(name) || name == "." || t.files[name] || t.folders[name] != nil {
		return
	}
	t.files[name] = true
	for folder := false; ; folder = true {
		dir := path.Dir(name)
		known := t.folders[dir] != nil
		t.folders[dir] = append(t.folders[dir], leaf{path.Base(name), folder})
		if known || dir == "." {
			return
		}
		name = dir
	}
}

// Open is there because fs.FS wants it: nothing is read here.
func (t *tree) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

// Stat tells files from folders.
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	folder := name == "." || t.folders[name] != nil
	if !folder && !t.files[name] {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return &leaf{path.Base(name), folder}, nil
}

// ReadDir lists a folder.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	var entries []fs.DirEntry
	for i := range t.folders[name] {
		entries = append(entries, &t.folders[name][i])
	}
	return entries, nil
}

// leaf is one name in a folder of a tree.
type leaf struct {
	name   string
	folder bool
}

func (l *leaf) Name() string               { return l.name }
func (l *leaf) IsDir() bool                { return l.folder }
func (l *leaf) Type() fs.FileMode          { return l.Mode().Type() }
func (l *leaf) Info() (fs.FileInfo, error) { return l, nil }
func (l *leaf) Size() int64                { return 0 }
func (l *leaf) ModTime() time.Time         { return time.Time{} }
func (l *leaf) Sys() any                   { return nil }
func (l *leaf) Mode() fs.FileMode {
	if l.folder {
		return fs.ModeDir
	}
	return 0
}
