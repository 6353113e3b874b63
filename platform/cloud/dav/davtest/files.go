package davtest

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"
	"time"
)

// file is a file or a folder of an account.
type file struct {
	name     string
	id       uint64
	data     []byte
	sum      string
	etag     string
	modified time.Time
	parent   *file
	children map[string]*file // nil: a file
	mounts   []*file          // where other accounts see it
	owner    *Account         // of a mount: who shares it
}

func (a *Account) newFolder(name string) *file {
	f := &file{name: name, id: a.server.next(), children: make(map[string]*file)}
	a.touch(f)
	return f
}

// touch gives a node and every folder above it a new ETag, as Nextcloud does.
func (a *Account) touch(f *file) {
	now := a.server.opts.Now()
	f.modified = now
	for ; f != nil; f = f.parent {
		f.etag = fmt.Sprintf(`"%016x"`, a.server.next())
		for _, m := range f.mounts {
			a.touch(m)
		}
	}
}

func segments(name string) ([]string, error) {
	var parts []string
	for _, part := range strings.Split(strings.Trim(name, "/"), "/") {
		switch {
		case part == "" && strings.Trim(name, "/") == "":
			return nil, nil
		case part == "", part == ".", part == "..", strings.ContainsRune(part, 0):
			return nil, fmt.Errorf("cannot use path %q: bad segment", name)
		}
		parts = append(parts, part)
	}
	return parts, nil
}

func (f *file) at(parts []string) *file {
	for _, part := range parts {
		if f == nil || f.children == nil {
			return nil
		}
		f = f.children[part]
	}
	return f
}

func (f *file) sorted() []*file {
	list := make([]*file, 0, len(f.children))
	for _, c := range f.children {
		list = append(list, c)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].name < list[j].name })
	return list
}

// size of a folder is that of all below it, as oc:size has it.
func (f *file) size() int64 {
	if f.children == nil {
		return int64(len(f.data))
	}
	var n int64
	for _, c := range f.children {
		n += c.size()
	}
	return n
}

func (f *file) count() (files, folders int) {
	for _, c := range f.children {
		if c.children == nil {
			files++
		} else {
			folders++
		}
	}
	return files, folders
}

// makeFolders makes the folders on the way; the lock is held.
func (a *Account) makeFolders(parts []string) (*file, error) {
	f := a.root
	for _, part := range parts {
		next := f.children[part]
		if next == nil {
			next = a.newFolder(part)
			next.parent = f
			f.children[part] = next
			a.touch(next)
		}
		if next.children == nil {
			return nil, fmt.Errorf("cannot make folder %q: a file is there", part)
		}
		f = next
	}
	return f, nil
}

// MakeFolder makes a folder and those above it.
func (a *Account) MakeFolder(name string) error {
	parts, err := segments(name)
	if err != nil {
		return err
	}
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	_, err = a.makeFolders(parts)
	return err
}

// PutFile adds or replaces a file, "Photos/2024/a.jpg", and makes its folders.
// The data is kept, not copied: do not change it afterwards. It returns the
// new ETag.
func (a *Account) PutFile(name string, data []byte) (string, error) {
	parts, err := segments(name)
	if err != nil {
		return "", err
	}
	if len(parts) == 0 {
		return "", errors.New("cannot write a file without a name")
	}
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	return a.putFile(parts, data)
}

func (a *Account) putFile(parts []string, data []byte) (string, error) {
	folder, err := a.makeFolders(parts[:len(parts)-1])
	if err != nil {
		return "", err
	}
	last := parts[len(parts)-1]
	f := folder.children[last]
	if f == nil {
		f = &file{name: last, id: a.server.next(), parent: folder}
		folder.children[last] = f
	}
	if f.children != nil {
		return "", fmt.Errorf("cannot write %q: a folder is there", path.Join(parts...))
	}
	f.data, f.sum = data, fmt.Sprintf("SHA1:%x", sha1.Sum(data))
	a.touch(f)
	return f.etag, nil
}

// RemoveFile deletes a file, or a folder with all below it.
func (a *Account) RemoveFile(name string) error {
	parts, err := segments(name)
	if err != nil {
		return err
	}
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	return a.removeFile(parts)
}

func (a *Account) removeFile(parts []string) error {
	f := a.root.at(parts)
	if f == nil || f.parent == nil {
		return fmt.Errorf("cannot remove %q: %w", path.Join(parts...), ErrNotThere)
	}
	delete(f.parent.children, f.name)
	a.touch(f.parent)
	return nil
}

// File returns a file's bytes, or nil.
func (a *Account) File(name string) []byte {
	parts, err := segments(name)
	if err != nil {
		return nil
	}
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	if f := a.root.at(parts); f != nil {
		return f.data
	}
	return nil
}

// Files lists the paths of all files, sorted.
func (a *Account) Files() []string {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	var names []string
	var walk func(prefix string, f *file)
	walk = func(prefix string, f *file) {
		for _, c := range f.sorted() {
			if c.children == nil {
				names = append(names, prefix+c.name)
			} else {
				walk(prefix+c.name+"/", c)
			}
		}
	}
	walk("", a.root)
	return names
}
