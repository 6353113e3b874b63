package davtest

import (
	"errors"
	"fmt"
	"path"
)

// ShareFolder lets another account see one of this account's folders, at a path
// of its own, as Nextcloud's file sharing does: the same file ids and ETags, an S
// in oc:permissions, the owner in oc:owner-id, and every change goes up to both
// roots.
func (a *Account) ShareFolder(name string, with *Account, at string) error {
	parts, err := segments(name)
	if err != nil {
		return err
	}
	to, err := segments(at)
	if err != nil || len(to) == 0 {
		return errors.Join(err, errors.New("cannot share a folder without a place to show it"))
	}
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	f := a.root.at(parts)
	if f == nil || f.children == nil {
		return fmt.Errorf("cannot share %q: %w", name, ErrNotThere)
	}
	parent, err := with.makeFolders(to[:len(to)-1])
	if err != nil {
		return err
	}
	last := to[len(to)-1]
	if parent.children[last] != nil {
		return fmt.Errorf("cannot share %q: %q is taken", name, path.Join(to...))
	}
	mount := &file{name: last, id: f.id, parent: parent, children: f.children, owner: a, modified: f.modified}
	f.mounts = append(f.mounts, mount)
	parent.children[last] = mount
	with.touch(mount)
	return nil
}

// ShareBook lets another account see an address book, under Nextcloud's name for
// it: the book's own, "_shared_by_" and the owner.
func (a *Account) ShareBook(name string, with *Account) error {
	return a.share(a.books, name, &with.books)
}

// ShareCalendar lets another account see a calendar, likewise.
func (a *Account) ShareCalendar(name string, with *Account) error {
	return a.share(a.calendars, name, &with.calendars)
}

func (a *Account) share(list []*collection, name string, with *[]*collection) error {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	c := find(list, name)
	if c == nil {
		return fmt.Errorf("cannot share %q: %w", name, ErrNotThere)
	}
	*with = append(*with, &collection{name: name + "_shared_by_" + a.user.Name, title: c.title, alias: c, owner: a})
	return nil
}

// own is the collection itself, behind the name under which it is shared.
func (c *collection) own() *collection {
	if c.alias != nil {
		return c.alias
	}
	return c
}

// ownerOf is whose a resource is: the account's that sees it, where nobody shared
// it.
func (r resource) ownerOf() *Account {
	if r.owner != nil {
		return r.owner
	}
	return r.account
}
