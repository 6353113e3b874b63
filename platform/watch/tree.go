package watch

import (
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
)

// fileID tells one folder from another that has its name.
type fileID struct{ dev, ino uint64 }

func idOf(fi fs.FileInfo) fileID {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}
	}
	return fileID{st.Dev, st.Ino}
}

// node is one watched folder. A folder that several sources hold has one node.
// The folders right beneath it are a list through themselves: there may be a
// great many nodes, and each costs memory for as long as the agent runs.
type node struct {
	path   string
	id     fileID
	first  *node      // of the folders right beneath
	next   *node      // of those beside it
	before *node      // the one beside it that has it as next, or the one above that has it as first; nil above the roots
	owners []*tracked // never changed in place: the folders of a walk share it
}

func (n *node) owned(by *tracked) bool { return slices.Contains(n.owners, by) }

// own adds owners, which nobody changes afterwards.
func (n *node) own(owners []*tracked) {
	if len(n.owners) == 0 {
		n.owners = slices.Clip(owners)
		for _, o := range owners {
			o.folders++
		}
		return
	}
	for _, o := range owners {
		if !n.owned(o) {
			n.owners = append(slices.Clip(n.owners), o)
			o.folders++
		}
	}
}

// adopt puts a node beneath this one.
func (n *node) adopt(child *node) {
	child.before, child.next = n, n.first
	if n.first != nil {
		n.first.before = child
	}
	n.first = child
}

// leave takes a node away from the one above it.
func (n *node) leave() {
	switch {
	case n.before == nil:
		return
	case n.before.first == n:
		n.before.first = n.next
	default:
		n.before.next = n.next
	}
	if n.next != nil {
		n.next.before = n.before
	}
	n.before, n.next = nil, nil
}

// tree holds the watched folders by path and by identity. The kernel keeps one
// watch for an inode however many paths lead to it (bind mounts), and reports
// the first path: so one node stands for all of them.
type tree struct {
	byPath map[string]*node
	byID   map[fileID]*node
}

func newTree() tree { return tree{byPath: map[string]*node{}, byID: map[fileID]*node{}} }

func (t *tree) insert(path string, id fileID) *node {
	n := &node{path: path, id: id}
	t.byPath[path] = n
	t.byID[id] = n
	t.adopt(n)
	return n
}

// adopt links a node to the one above it, which may have come later.
func (t *tree) adopt(n *node) {
	if n.before != nil || n.path == "/" {
		return
	}
	if p := t.byPath[filepath.Dir(n.path)]; p != nil {
		p.adopt(n)
	}
}

// delete forgets one node; its children stay, without a parent.
func (t *tree) delete(n *node) {
	delete(t.byPath, n.path)
	if t.byID[n.id] == n {
		delete(t.byID, n.id)
	}
	n.leave()
	for n.first != nil {
		n.first.leave()
	}
	for _, o := range n.owners {
		o.folders--
	}
}

// below lists a node and all beneath it, top first.
func (t *tree) below(n *node) []*node {
	list := []*node{n}
	for i := 0; i < len(list); i++ {
		for c := list[i].first; c != nil; c = c.next {
			list = append(list, c)
		}
	}
	return list
}
