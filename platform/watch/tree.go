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
type node struct {
	path     string
	id       fileID
	parent   *node // nil above the roots
	children map[*node]struct{}
	owners   []*tracked
}

func (n *node) owned(by *tracked) bool { return slices.Contains(n.owners, by) }

// own adds owners and returns those that are new.
func (n *node) own(owners []*tracked) (added []*tracked) {
	for _, o := range owners {
		if !n.owned(o) {
			n.owners = append(n.owners, o)
			o.folders++
			added = append(added, o)
		}
	}
	return added
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
	if n.parent != nil || n.path == "/" {
		return
	}
	if p := t.byPath[filepath.Dir(n.path)]; p != nil {
		n.parent = p
		if p.children == nil {
			p.children = map[*node]struct{}{}
		}
		p.children[n] = struct{}{}
	}
}

// delete forgets one node; its children stay, without a parent.
func (t *tree) delete(n *node) {
	delete(t.byPath, n.path)
	if t.byID[n.id] == n {
		delete(t.byID, n.id)
	}
	if n.parent != nil {
		delete(n.parent.children, n)
	}
	for c := range n.children {
		c.parent = nil
	}
	for _, o := range n.owners {
		o.folders--
	}
}

// below lists a node and all beneath it, top first.
func (t *tree) below(n *node) []*node {
	list := []*node{n}
	for i := 0; i < len(list); i++ {
		for c := range list[i].children {
			list = append(list, c)
		}
	}
	return list
}
