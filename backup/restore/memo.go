package restore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"path"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/source"
)

// putMemo writes a note that was kept as a VJOURNAL once more beside itself, as
// Markdown to read, its attachments in a folder. The VJOURNAL is the master:
// where the Markdown cannot be, nothing is lost.
func (w *folderRun) putMemo(ctx context.Context, it *Item) error {
	raw, err := it.Bytes(ctx, source.MaxCalendar)
	if err != nil {
		return ctx.Err()
	}
	memo, err := source.ParseMemo(raw)
	if err != nil {
		return nil //nolint:nilerr // it is there as it was kept; more is not to be had
	}
	at := it.ModTime
	if at.IsZero() {
		at = memo.Date
	}
	names := it.Names()
	dir, stem := names[:len(names)-1:len(names)-1], strings.TrimSuffix(names[len(names)-1], path.Ext(names[len(names)-1]))
	if memo.Title != "" {
		stem = bag.Sanitise(memo.Title)
	}
	links := make([]string, len(memo.Attachments))
	for i, a := range memo.Attachments {
		if len(a.Data) == 0 {
			continue
		}
		name := bag.Sanitise(a.Name)
		res, err := w.putAs(ctx, blobOf(a.Data, at, it.Proof == ByLedger), append(dir, cut(stem, maxName-len("~files"))+"~files", name))
		if err != nil {
			return err
		}
		if res.State != Failed {
			links[i] = path.Base(path.Dir(res.Where)) + "/" + path.Base(res.Where)
		}
	}
	_, err = w.putAs(ctx, blobOf(memo.Markdown(links), at, it.Proof == ByLedger), append(dir, cut(stem, maxName-len(".md"))+".md"))
	return err
}

func blobOf(data []byte, modTime time.Time, proven bool) blob {
	return blob{size: int64(len(data)), room: int64(len(data)), proven: proven, sum: sha256.Sum256(data), modTime: modTime, copyTo: func(ctx context.Context, w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(data))
		return errors.Join(err, ctx.Err())
	}}
}
