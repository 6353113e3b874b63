package dav

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

var itemProps = []string{"d:resourcetype", "d:getetag", "d:getcontentlength", "d:getcontenttype", "d:getlastmodified"}

// fileProps are those of Nextcloud besides; its counts of what a folder holds
// show a listing that was cut.
var fileProps = append(itemProps[:len(itemProps):len(itemProps)], "oc:fileid", "oc:checksums", "oc:permissions", "oc:owner-id", "oc:owner-display-name", "nc:contained-file-count", "nc:contained-folder-count")

// folder lists one folder (depth 1); prefix goes before the names, me is whose
// the tree is.
func (c *Client) folder(ctx context.Context, coll Collection, at place, prefix, me string) ([]Item, error) {
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
		it.SharedBy = r.sharedFile(me)
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
	ctx = c.patient(ctx)
	l := Listing{Collection: coll, StartedAt: c.now()}
	if coll.Kind != FileTree {
		l.Why = "not a file tree"
		return l, fmt.Errorf("cannot walk the %s collection: %s", coll.Kind, l.Why)
	}
	var rows rowSet
	state, broken, err := c.walkSettled(ctx, coll, func(it Item) error {
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
	l.Count, l.Folders, l.Broken = files, folders, broken
	return l, err
}

func (c *Client) walkSettled(ctx context.Context, coll Collection, visit func(Item) error) (state string, broken map[string]error, err error) {
	before, err := c.mark(ctx, coll)
	if err != nil {
		return "", nil, err
	}
	if broken, err = c.walkTree(ctx, coll, before.me, visit); err != nil {
		return "", nil, err
	}
	after, err := c.mark(ctx, coll)
	if err != nil {
		return "", nil, err
	}
	if before.text != after.text {
		return "", nil, ErrChanged
	}
	return before.text, broken, nil
}

// listFiles walks until nothing changed in between, or two walks are equal.
func (c *Client) listFiles(ctx context.Context, coll Collection) (Listing, error) {
	l := Listing{Collection: coll, StartedAt: c.now()}
	last := ""
	for range c.limits.Attempts {
		var items []Item
		var broken map[string]error
		before, err := c.mark(ctx, coll)
		if err == nil {
			broken, err = c.walkTree(ctx, coll, before.me, func(it Item) error { items = append(items, it); return nil })
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
			l.Broken = broken
			return c.conclude(l, items, digest, before.text, nil)
		}
		last = digest
	}
	return c.conclude(l, nil, "", "", fmt.Errorf("%w, %d times in a row", ErrChanged, c.limits.Attempts))
}

// listed is one folder's answer on its way to the visitor.
type listed struct {
	folder folderAt
	items  []Item
	err    error
}

// folderAt is a folder still to be listed: what goes before the names in it, and
// who shares it.
type folderAt struct {
	prefix   string
	sharedBy Person
}

// isBroken reports whether an error is about one folder of another person's, which
// they may have taken back, or whose own storage is away (Nextcloud says 503 then).
func (f folderAt) isBroken(err error) bool {
	var status *StatusError
	return f.sharedBy != Person{} && errors.As(err, &status) && !errors.Is(err, ErrUnauthorized) && status.Status != http.StatusTooManyRequests
}

// walkTree lists the folders, several at a time. The folders still to be
// listed are kept, newest first, so that their number stays near the tree's
// depth times its width.
func (c *Client) walkTree(ctx context.Context, coll Collection, me string, visit func(Item) error) (broken map[string]error, failed error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan listed)
	pending, running, total := []folderAt{{}}, 0, 0
	for (len(pending) > 0 && failed == nil) || running > 0 {
		for len(pending) > 0 && running < parallel && failed == nil {
			f := pending[len(pending)-1]
			pending = pending[:len(pending)-1]
			running++
			go func() {
				at := place{path: strings.TrimSuffix(coll.Path+"/"+f.prefix, "/"), folder: true}
				items, err := c.folder(ctx, coll, at, f.prefix, me)
				results <- listed{f, items, err}
			}()
		}
		got := <-results
		running--
		if failed != nil {
			continue
		}
		if got.err != nil && got.folder.isBroken(got.err) {
			if broken == nil {
				broken = make(map[string]error)
			}
			broken[got.folder.sharedBy.ID] = got.err
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
				pending = append(pending, folderAt{it.Name + "/", it.SharedBy})
			}
		}
		if failed != nil {
			cancel()
		}
	}
	return broken, failed
}
