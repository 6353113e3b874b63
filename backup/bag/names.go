package bag

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/clearance-project/clearance/backup/disk"
)

// names knows which names are taken in the folders of the bag that were used of
// late.
type names struct {
	root  disk.Root
	dirs  map[string]*nameSet
	order []string // folders, the one loaded first in front
	held  int      // names in all of them, and what a folder itself weighs
}

const (
	maxNamesHeld = 200_000
	dirWeight    = 16 // what a folder takes, in names
	maxVersions  = 100_000
)

func newNames(root disk.Root) *names {
	return &names{root: root, dirs: map[string]*nameSet{}}
}

// in gives the names in a folder; an empty set if there is no such folder.
func (n *names) in(dir string) (*nameSet, error) {
	if set := n.dirs[dir]; set != nil {
		return set, nil
	}
	list, err := n.root.Names(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for n.held+len(list) > maxNamesHeld && len(n.order) > 0 {
		n.held -= n.dirs[n.order[0]].len() + dirWeight
		delete(n.dirs, n.order[0])
		n.order = n.order[1:]
	}
	set := newNameSet(len(list))
	for _, name := range list {
		set.put(name)
	}
	n.dirs[dir], n.order, n.held = set, append(n.order, dir), n.held+set.len()+dirWeight
	return set, nil
}

func (n *names) add(dir, name string) error {
	set, err := n.in(dir)
	if err != nil {
		return err
	}
	if set.put(name) {
		n.held++
	}
	return nil
}

func (n *names) remove(dir, name string) {
	if set := n.dirs[dir]; set != nil && set.remove(name) {
		n.held--
	}
}

// folder finds or makes the folder name in dir, or its first version that is a
// folder with exactly that name, and gives its path and whether it was made.
func (n *names) folder(dir, name string) (path string, made bool, err error) {
	set, err := n.in(dir)
	if err != nil {
		return "", false, err
	}
	for v := 1; v < maxVersions; v++ {
		want := version(name, v)
		path = want
		if dir != "." {
			path = dir + "/" + want
		}
		taken, exactly := set.has(want)
		if !taken {
			if err := n.root.Mkdir(path, dirMode); err != nil {
				return "", false, err
			}
			return path, true, n.add(dir, want)
		}
		if !exactly {
			continue
		}
		if n.dirs[path] != nil {
			return path, false, nil
		}
		st, err := n.root.Lstat(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // not there yet: a file on its way
			return "", false, err
		}
		if st.Mode.IsDir() {
			return path, false, nil
		}
	}
	return "", false, fmt.Errorf("cannot find a name for folder %q: too many like it", name)
}

// file finds a free name for a file in dir: name, or its first version that is
// free. suits may accept one that is taken.
func (n *names) file(dir, name string, suits func(path string) (bool, error)) (path string, taken bool, err error) {
	set, err := n.in(dir)
	if err != nil {
		return "", false, err
	}
	for v := 1; v < maxVersions; v++ {
		want := version(name, v)
		path = dir + "/" + want
		used, exactly := set.has(want)
		if !used {
			return path, false, n.add(dir, want)
		}
		if !exactly || suits == nil {
			continue
		}
		ok, err := suits(path)
		if ok || err != nil {
			return path, true, err
		}
	}
	return "", false, fmt.Errorf("cannot find a name for file %q: too many like it", name)
}
