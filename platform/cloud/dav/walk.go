package dav

import (
	"context"
	"fmt"
	"strings"
)

var itemProps = []string{"d:resourcetype", "d:getetag", "d:getcontentlength", "d:getcontenttype", "d:getlastmodified"}

// fileProps are those of Nextcloud besides; its counts of what a folder holds
// show a listing that was cut.
var fileProps = append(itemProps[:len(itemProps):len(itemProps)], "oc:fileid", "oc:checksums", "nc:contained-file-count", "nc:contained-folder-count")

// folder lists one folder (depth 1); prefix goes before the names.
func (c *Client) folder(ctx context.Context, coll Collection, at place, prefix string) ([]Item, error) {
	names := itemProps
	if coll.Kind == FileTree {
		names = fileProps
	}
	q := call{method: "PROPFIND", url: at.at(coll.base), header: map[string]string{"Depth": "1"}, body: ask(names...)}
	var self *response
	var items []Item
	seen := make(map[string]bool)
	files, folders := int64(0), int64(0)
	_, err := c.multistatus(ctx, q, c.listingBudget(), func(r *response) error {
		if err := r.usable(); err != nil {
			return err
		}
		if r.place.path == at.path && self == nil {
			self = r
			return nil
		}
		name, ok := r.place.below(at)
		if !ok {
			return fmt.Errorf("%w: a member that is not in its collection", ErrMalformed)
		}
		if seen[name] {
			return fmt.Errorf("%w: a member listed twice", ErrMalformed)
		}
		if len(items) >= c.limits.Items {
			return fmt.Errorf("%w: more than %d members", ErrTooLarge, c.limits.Items)
		}
		seen[name] = true
		it := r.item(prefix + name)
		if it.Folder {
			folders++
		} else {
			files++
		}
		if !it.Folder && it.Rev == "" {
			return fmt.Errorf("%w: a member without a revision", ErrPartial)
		}
		items = append(items, it)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if self == nil || !self.folder() {
		return nil, fmt.Errorf("%w: a collection that does not list itself", ErrMalformed)
	}
	if self.files >= 0 && self.files != files || self.folders >= 0 && self.folders != folders {
		return nil, fmt.Errorf("%w: a folder says %d files and %d folders and lists %d and %d",
			ErrPartial, self.files, self.folders, files, folders)
	}
	return items, nil
}

func (r *response) item(name string) Item {
	return Item{Name: name, Rev: r.etag, Size: r.size, Modified: r.modified, Folder: r.folder(),
		Type: r.contentType, FileID: r.fileID, Checksums: r.checksums}
}

// Walk goes through a file tree once and hands on every file and folder, in no
// particular order and never two at a time. What it handed on counts only if
// the listing is complete; an error of visit ends it. The listing's Items stay
// empty. Without a mark of the tree's state at the server the caller, or Same,
// must see a second equal digest: State is then empty.
func (c *Client) Walk(ctx context.Context, coll Collection, visit func(Item) error) (Listing, error) {
	l := Listing{Collection: coll, StartedAt: c.now()}
	if coll.Kind != FileTree {
		l.Why = "not a file tree"
		return l, fmt.Errorf("cannot walk the %s collection: %s", coll.Kind, l.Why)
	}
	var rows rowSet
	state, err := c.walkSettled(ctx, coll, func(it Item) error {
		if it.Folder {
			l.Folders++
		} else {
			l.Count++
		}
		rows.add(it)
		return visit(it)
	})
	files, folders := l.Count, l.Folders
	l, err = c.conclude(l, nil, rows.digest(), state, err)
	l.Count, l.Folders = files, folders
	return l, err
}

func (c *Client) walkSettled(ctx context.Context, coll Collection, visit func(Item) error) (string, error) {
	before, err := c.mark(ctx, coll)
	if err != nil {
		return "", err
	}
	if err := c.walkTree(ctx, coll, visit); err != nil {
		return "", err
	}
	after, err := c.mark(ctx, coll)
	if err != nil {
		return "", err
	}
	if before.text != after.text {
		return "", ErrChanged
	}
	return before.text, nil
}

// listFiles walks until nothing changed in between, or two walks are equal.
func (c *Client) listFiles(ctx context.Context, coll Collection) (Listing, error) {
	l := Listing{Collection: coll, StartedAt: c.now()}
	last := ""
	for range c.limits.Attempts {
		var items []Item
		before, err := c.mark(ctx, coll)
		if err == nil {
			err = c.walkTree(ctx, coll, func(it Item) error { items = append(items, it); return nil })
		}
		after := before
		if err == nil && before.text != "" {
			after, err = c.mark(ctx, coll)
		}
		if err != nil {
			return c.conclude(l, nil, "", "", err)
		}
		digest := Digest(items)
		if before.text == after.text && before.text != "" || before.text == "" && digest == last {
			return c.conclude(l, items, digest, before.text, nil)
		}
		last = digest
	}
	return c.conclude(l, nil, "", "", fmt.Errorf("%w, %d times in a row", ErrChanged, c.limits.Attempts))
}

// listed is one folder's answer on its way to the visitor.
type listed struct {
	items []Item
	err   error
}

// walkTree lists the folders, several at a time. The folders still to be
// listed are kept, newest first, so that their number stays near the tree's
// depth times its width.
func (c *Client) walkTree(ctx context.Context, coll Collection, visit func(Item) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan listed)
	pending, running, total := []string{""}, 0, 0
	var failed error
	for (len(pending) > 0 && failed == nil) || running > 0 {
		for len(pending) > 0 && running < parallel && failed == nil {
			prefix := pending[len(pending)-1]
			pending = pending[:len(pending)-1]
			running++
			go func() {
				at := place{path: strings.TrimSuffix(coll.Path+"/"+prefix, "/"), folder: true}
				items, err := c.folder(ctx, coll, at, prefix)
				results <- listed{items, err}
			}()
		}
		got := <-results
		running--
		if failed != nil {
			continue
		}
		failed = got.err
		for _, it := range got.items {
			if failed != nil {
				break
			}
			if total++; total > c.limits.Items {
				failed = fmt.Errorf("%w: more than %d members", ErrTooLarge, c.limits.Items)
			} else if it.Folder && strings.Count(it.Name, "/")+1 >= c.limits.Folders {
				failed = fmt.Errorf("%w: folders deeper than %d", ErrTooLarge, c.limits.Folders)
			} else {
				failed = visit(it)
			}
			if it.Folder {
				pending = append(pending, it.Name+"/")
			}
		}
		if failed != nil {
			cancel()
		}
	}
	return failed
}
