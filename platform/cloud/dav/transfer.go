package dav

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Body is an item's bytes from an offset on. Read ends with io.EOF only after
// exactly as many as the server promised: net/http sees to that. Close it.
type Body struct {
	// Size is that of the whole item, in bytes.
	Size   int64
	answer *answer
}

// Open gets an item's bytes from an offset on. It fails with ErrChanged where
// the server has another revision or another length than the item says, and
// with ErrMalformed where the server states neither.
func (c *Client) Open(ctx context.Context, coll Collection, it Item, offset int64) (*Body, error) {
	ctx = c.patient(ctx)
	q := call{method: "GET", url: it.place(coll).at(coll.base), header: map[string]string{"Accept-Encoding": "identity"}}
	if offset > 0 {
		q.header["Range"] = fmt.Sprintf("bytes=%d-", offset)
		if !strings.HasPrefix(it.Rev, "W/") {
			q.header["If-Range"] = it.Rev
		}
	}
	a, err := c.send(ctx, q)
	if err != nil {
		return nil, err
	}
	body, err := c.body(a, it, offset)
	if err != nil {
		a.Close()
		return nil, err
	}
	return body, nil
}

func (c *Client) body(a *answer, it Item, offset int64) (*Body, error) {
	if err := c.want(a, http.StatusOK, http.StatusPartialContent); err != nil {
		return nil, err
	}
	rev := a.Header.Get("ETag")
	if rev == "" || a.ContentLength < 0 || a.Header.Get("Content-Encoding") != "" {
		return nil, fmt.Errorf("cannot GET: %w: no revision or no length", ErrMalformed)
	}
	if !sameTag(rev, it.Rev) {
		return nil, fmt.Errorf("cannot GET: %w: another revision", ErrChanged)
	}
	b := &Body{Size: a.ContentLength, answer: a}
	if a.StatusCode == http.StatusPartialContent {
		first, size, ok := contentRange(a.Header.Get("Content-Range"))
		if !ok || first != offset || size-first != a.ContentLength {
			return nil, fmt.Errorf("cannot GET: %w: another part than was asked for", ErrMalformed)
		}
		b.Size = size
	} else if offset > 0 {
		// The server sends the whole: leave out what is here already.
		if _, err := io.CopyN(io.Discard, b, offset); err != nil {
			return nil, err
		}
	}
	if it.Size >= 0 && b.Size != it.Size {
		return nil, fmt.Errorf("cannot GET: %w: %d bytes where the listing said %d", ErrChanged, b.Size, it.Size)
	}
	return b, nil
}

// contentRange reads "bytes 5-9/10"; the last byte must be the end.
func contentRange(value string) (first, size int64, ok bool) {
	rest, found := strings.CutPrefix(value, "bytes ")
	from, rest, a := strings.Cut(rest, "-")
	to, whole, b := strings.Cut(rest, "/")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	size, err3 := strconv.ParseInt(whole, 10, 64)
	ok = found && a && b && errors.Join(err1, err2, err3) == nil && first >= 0 && last == size-1 && first <= last
	return first, size, ok
}

func (b *Body) Read(p []byte) (int, error) { return b.answer.body.Read(p) }

// Close ends the transfer.
func (b *Body) Close() error {
	b.answer.Close()
	return nil
}

const (
	// maxStuck bounds how often Copy goes on after a dropped connection without
	// having got further, maxResumes how often at all.
	maxStuck   = 3
	maxResumes = 100
)

// Copy writes a file's bytes to w and returns how many. After a dropped
// connection it goes on where it was. Where the server states a checksum that
// is known here, ErrDamaged says that the bytes do not have it.
func (c *Client) Copy(ctx context.Context, coll Collection, it Item, w io.Writer) (int64, error) {
	ctx = c.patient(ctx)
	sum, want := checksum(it.Checksums)
	done, stuck := int64(0), 0
	for resumes := 0; ; resumes++ {
		n, err := c.copyFrom(ctx, coll, it, done, io.MultiWriter(w, sum))
		done += n
		if err == nil {
			break
		}
		if stuck++; n > 0 {
			stuck = 0
		}
		if !errors.Is(err, ErrUnreachable) || ctx.Err() != nil || stuck >= maxStuck || resumes >= maxResumes {
			return done, err
		}
	}
	if want != "" && hex.EncodeToString(sum.Sum(nil)) != want {
		return done, fmt.Errorf("cannot copy: %w", ErrDamaged)
	}
	return done, nil
}

func (c *Client) copyFrom(ctx context.Context, coll Collection, it Item, offset int64, w io.Writer) (int64, error) {
	if offset > 0 && offset == it.Size {
		return 0, nil
	}
	body, err := c.Open(ctx, coll, it, offset)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	return io.Copy(w, body)
}

// checksum picks the best of the checksums that the server states, the choice
// of which is its own; without one the hash is not compared.
func checksum(stated []string) (hash.Hash, string) {
	for _, kind := range []struct {
		name string
		make func() hash.Hash
	}{{"SHA256", sha256.New}, {"SHA1", sha1.New}, {"MD5", md5.New}} {
		for _, s := range stated {
			name, value, ok := strings.Cut(s, ":")
			if ok && strings.EqualFold(strings.ReplaceAll(name, "-", ""), kind.name) {
				return kind.make(), strings.ToLower(value)
			}
		}
	}
	return sha256.New(), ""
}
