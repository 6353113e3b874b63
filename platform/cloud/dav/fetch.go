package dav

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"
)

const (
	// batchItems and batchBytes bound one multiget.
	batchItems = 200
	batchBytes = 4 << 20
	// aloneBytes is the size from which an item is fetched alone.
	aloneBytes = 1 << 20
)

// Failure is an item that could not be fetched. Err is ErrNotFound where it is
// gone, ErrChanged where it is another revision by now.
type Failure struct {
	Item Item
	Err  error
}

// Fetched says what Fetch did: each item was handed on or is a failure.
type Fetched struct {
	Count  int
	Failed []Failure
}

// Fetch gets contacts or calendar objects and hands on each one's exact bytes,
// one at a time, in no particular order; the bytes are visit's to keep. Each is
// of the revision that the item names. A failing item does not stop the
// others. The error is for what ends the whole: the credentials, the
// connection, the context, or visit's own; Fetched is right until then.
func (c *Client) Fetch(ctx context.Context, coll Collection, items []Item, visit func(Item, []byte) error) (Fetched, error) {
	ctx = c.patient(ctx)
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	out := &outcome{visit: visit, turn: make(chan struct{}, 1)}
	for rest := items; len(rest) > 0 && inner.Err() == nil; {
		var batch []Item
		batch, rest = nextBatch(rest)
		group.Go(func() error { return c.fetchBatch(inner, coll, batch, out) })
	}
	if err := group.Wait(); err != nil {
		return out.fetched, fmt.Errorf("cannot fetch from the %s collection: %w", coll.Kind, err)
	}
	return out.fetched, nil
}

// nextBatch cuts what one request asks for: items of known, small size
// together, any other alone.
func nextBatch(items []Item) (batch, rest []Item) {
	total := int64(0)
	for i, it := range items {
		alone := it.Size < 0 || it.Size >= aloneBytes
		if i > 0 && (alone || i >= batchItems || total+it.Size > batchBytes) {
			return items[:i], items[i:]
		}
		if alone {
			return items[:1], items[1:]
		}
		total += it.Size
	}
	return items, nil
}

// outcome hands on items one at a time.
type outcome struct {
	visit   func(Item, []byte) error
	turn    chan struct{}
	fetched Fetched
}

func (o *outcome) take(it Item, data []byte, err error) error {
	o.turn <- struct{}{}
	defer func() { <-o.turn }()
	if err != nil {
		o.fetched.Failed = append(o.fetched.Failed, Failure{it, err})
		return nil
	}
	if err := o.visit(it, data); err != nil {
		return err
	}
	o.fetched.Count++
	return nil
}

// fetchBatch asks for all at once, and alone for each that did not come whole.
func (c *Client) fetchBatch(ctx context.Context, coll Collection, batch []Item, out *outcome) error {
	left := make(map[string]Item, len(batch))
	for _, it := range batch {
		left[it.Name] = it
	}
	if len(batch) > 1 {
		err := c.multiget(ctx, coll, left, batch, out)
		if err != nil && (errors.Is(err, errVisit) || ends(ctx, err)) {
			return err
		}
	}
	for _, it := range batch {
		if _, open := left[it.Name]; !open {
			continue
		}
		data, err := c.fetchOne(ctx, coll, it)
		if err != nil && ends(ctx, err) {
			return err
		}
		if err := out.take(it, data, err); err != nil {
			return err
		}
	}
	return nil
}

// ends says that an error is not about one item.
func ends(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrUnavailable) ||
		errors.Is(err, ErrUnreachable) || errors.Is(err, ErrCertificate) || errors.Is(err, ErrForeign)
}

var errVisit = errors.New("not taken")

// multiget hands on what came exactly and takes it off left.
func (c *Client) multiget(ctx context.Context, coll Collection, left map[string]Item, batch []Item, out *outcome) error {
	largest := int64(0)
	for _, it := range batch {
		largest = max(largest, it.Size)
	}
	// XML may write a byte as six, "&#13;" and a little more.
	b := budget{member: 6*largest + c.limits.MemberBytes, total: 6*batchBytes + c.limits.ListingBytes}
	_, err := c.multistatus(ctx, multigetCall(coll, batch), b, func(r *response) error {
		name, ok := r.place.below(coll.place())
		it, open := left[name]
		if !ok || !open {
			return fmt.Errorf("%w: a member that was not asked for", ErrMalformed)
		}
		if r.status != 0 && r.status != http.StatusOK || !r.hasData || !sameTag(r.etag, it.Rev) {
			return nil // asked for alone, which tells why
		}
		data, exact := restore(r.data, it.Size)
		if !exact {
			return nil
		}
		delete(left, name)
		if err := out.take(it, data, nil); err != nil {
			return fmt.Errorf("%w: %w", errVisit, err)
		}
		return nil
	})
	return err
}

func multigetCall(coll Collection, batch []Item) call {
	report, data := `card:addressbook-multiget xmlns:card="`+nsCard+`"`, "card:address-data"
	if coll.Kind == Calendar {
		report, data = `cal:calendar-multiget xmlns:cal="`+nsCal+`"`, "cal:calendar-data"
	}
	var b bytes.Buffer
	b.WriteString(xml.Header + "<" + report + ` xmlns:d="DAV:"><d:prop><d:getetag/><` + data + `/></d:prop>`)
	for _, it := range batch {
		b.WriteString("<d:href>" + escapeText(it.place(coll).escaped()) + "</d:href>")
	}
	name, _, _ := strings.Cut(report, " ")
	b.WriteString("</" + name + ">")
	return call{method: "REPORT", url: coll.url(), header: map[string]string{"Depth": "0"}, body: b.Bytes()}
}

func (it Item) place(coll Collection) place {
	return place{path: coll.Path + "/" + it.Name, folder: it.Folder}
}

// restore undoes what XML does to line ends, and only where the length proves
// that it is undone exactly.
func restore(data []byte, size int64) ([]byte, bool) {
	if int64(len(data)) == size {
		return data, true
	}
	if bytes.IndexByte(data, '\r') < 0 && int64(len(data)+bytes.Count(data, []byte("\n"))) == size {
		return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")), true
	}
	return nil, false
}

// fetchOne gets an item alone.
func (c *Client) fetchOne(ctx context.Context, coll Collection, it Item) ([]byte, error) {
	body, err := c.Open(ctx, coll, it, 0)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, c.limits.ItemBytes+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > c.limits.ItemBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, c.limits.ItemBytes)
	}
	return data, nil
}

// sameTag compares ETags; a proxy that compresses makes them weak on the way.
func sameTag(a, b string) bool {
	a, b = strings.TrimPrefix(a, "W/"), strings.TrimPrefix(b, "W/")
	return a == b && a != ""
}

func escapeText(s string) string {
	var b bytes.Buffer
	// A bytes.Buffer takes every write.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
