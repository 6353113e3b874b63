package source

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// ErrMissing: a note shows a file that is not there.
var ErrMissing = errors.New("the file is missing")

// maxNoteFiles of one folder are known by name.
const maxNoteFiles = 200000

// ReferenceError is one reference of a note that leads to no file of its folder.
// It wraps [ErrMissing], [ErrOutside] or the file system's error.
type ReferenceError struct {
	Note   string // path in the folder
	Target string
	Line   int
	Err    error
}

func (e *ReferenceError) Error() string {
	return fmt.Sprintf("note %q, line %d: cannot use %q: %v", e.Note, e.Line, e.Target, e.Err)
}

// Unwrap gives the cause.
func (e *ReferenceError) Unwrap() error { return e.Err }

// NoteFolder finds what the notes beneath a folder refer to. It is not for use
// by several goroutines at once.
type NoteFolder struct {
	fsys   fs.FS
	root   string
	byName map[string]string // base name → shortest path; nil: not looked yet
	err    error             // why byName may lack files
}

// NewNoteFolder looks for files in fsys, which must not lead outside (os.Root's
// FS). root is where it lies, an absolute path, to understand file: URIs; "":
// they count as outside.
func NewNoteFolder(fsys fs.FS, root string) *NoteFolder {
	return &NoteFolder{fsys: fsys, root: root}
}

// Resolve finds the file of each reference of a note. files[i] is the path of
// refs[i] in the folder, "" where there is none; then an error in missing says
// so. note is the path of the note in the folder.
func (f *NoteFolder) Resolve(note string, refs []NoteReference) (files []string, missing []*ReferenceError) {
	files = make([]string, len(refs))
	for i, r := range refs {
		found, err := f.find(note, r)
		if err != nil {
			missing = append(missing, &ReferenceError{Note: note, Target: r.Target, Line: r.Line, Err: err})
			continue
		}
		files[i] = found
	}
	return files, missing
}

func (f *NoteFolder) find(note string, r NoteReference) (string, error) {
	target := strings.ReplaceAll(r.Target, `\`, "/")
	if len(target) >= 5 && strings.EqualFold(target[:5], "file:") {
		rel, err := LocalPath(strings.ReplaceAll(target, "%", "%25"), f.root)
		if err != nil {
			return "", err
		}
		return f.regular(rel)
	}
	if !path.IsAbs(target) {
		found, err := f.regular(path.Join(path.Dir(note), target))
		if err == nil || !r.Wiki {
			return found, err
		}
	}
	found, err := f.regular(path.Clean(strings.TrimLeft(target, "/"))) // from the top of the folder
	if err == nil || !r.Wiki {
		return found, err
	}
	f.look()
	if found := f.byName[path.Base(target)]; found != "" {
		return found, nil
	}
	if f.err != nil {
		return "", fmt.Errorf("cannot look through the whole folder: %w", f.err)
	}
	return "", ErrMissing
}

// regular checks that a path is within the folder and a regular file.
func (f *NoteFolder) regular(name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", ErrOutside
	}
	info, err := fs.Stat(f.fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", ErrMissing
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%w: %s is not a regular file", ErrMissing, path.Base(name))
	}
	return name, nil
}

// look learns the names of all files, once.
func (f *NoteFolder) look() {
	if f.byName != nil {
		return
	}
	f.byName = map[string]string{}
	var unread error
	full := fs.WalkDir(f.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			unread = errors.Join(unread, err)
			return fs.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		if len(f.byName) == maxNoteFiles {
			return ErrBeyondLimit
		}
		if old := f.byName[d.Name()]; old == "" || len(name) < len(old) {
			f.byName[d.Name()] = name
		}
		return nil
	})
	f.err = errors.Join(full, unread)
}
