package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

// Source is what an export holds of one dataset.
type Source struct {
	source.Ref
	Export *Export
	Folder string // as [source.Item.Folder]
}

// Items lists it: what cannot be taken as [*source.Failed]. An export that is
// not whole is [*source.Incomplete], and then nothing else is listed.
func (s *Source) Items(ctx context.Context) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		incomplete := func(err error) {
			yield(source.Item{Key: source.Key{Ref: s.Ref}}, &source.Incomplete{Ref: s.Ref, Err: err})
		}
		if err := s.Export.Whole(); err != nil {
			incomplete(err)
			return
		}
		began := s.Export.now()
		items := s.Export.items[s.Dataset]
		for i := range items {
			if err := ctx.Err(); err != nil {
				incomplete(err)
				return
			}
			it, err := s.item(&items[i], began)
			if !yield(it, err) {
				return
			}
		}
		for _, v := range s.Export.volumes {
			if err := v.same(); err != nil {
				incomplete(fmt.Errorf("%s: %w", v.part.file, err))
				return
			}
		}
	}
}

// Beside are the ids of the items that a person would not count at the provider:
// sidecars, what lies in the bin, what a note shows.
func (s *Source) Beside() map[string]bool {
	beside := map[string]bool{}
	for i := range s.Export.items[s.Dataset] {
		if it := &s.Export.items[s.Dataset][i]; it.beside {
			beside[it.id] = true
		}
	}
	return beside
}

// Same gives for each item what its content is, by its id, where equal content is
// one item at the provider: Google keeps one of what was put there twice, and
// exports it with its year and with each of its albums.
func (s *Source) Same() map[string]string {
	same := map[string]string{}
	if s.Export.Kind != Takeout {
		return same
	}
	for i := range s.Export.items[s.Dataset] {
		if it := &s.Export.items[s.Dataset][i]; it.i >= 0 && !it.beside && it.v.loose == "" {
			same[it.id] = it.entry().rev()
		}
	}
	return same
}

func (s *Source) item(it *item, began time.Time) (source.Item, error) {
	out := source.Item{Key: source.Key{Ref: s.Ref, ID: it.id}, Name: path.Base(it.path), Path: it.path, Folder: s.Folder, Ext: path.Ext(it.path), Size: -1}
	if it.i < 0 {
		out.Rev = it.v.stat.Rev()
		return out, &source.Failed{Item: out, Reason: it.reason, Err: it.why}
	}
	e := it.entry()
	out.Rev, out.Size, out.ModTime = e.rev(), e.size, e.modTime()
	out.Rest = it.v.stat.Rest(began)
	out.Unsettled = out.Rest > 0
	if it.taken != 0 {
		out.ModTime = time.Unix(it.taken, 0).UTC()
	}
	switch {
	case it.v.loose != "":
		out.Rev, out.ModTime = it.v.stat.Rev(), it.v.stat.ModTime()
		out.File = &source.FileRef{Root: it.v.root, Path: it.v.part.file}
	case e.reason != "":
		return out, e.failed(out)
	case it.note:
		out.Rev, out.Size = "read1."+out.Rev, -1
		out.Open = it.read
	default:
		out.Open = func(ctx context.Context) (io.ReadCloser, error) { return it.v.open(ctx, it.i) }
	}
	return out, nil
}

// read opens a note of Keep as Markdown.
func (it *item) read(ctx context.Context) (io.ReadCloser, error) {
	in, err := it.v.open(ctx, it.i)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(in)
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	n, err := ParseKeep(raw)
	if err != nil {
		return nil, err
	}
	text := n.Markdown(func(name string) string { return it.files[name] })
	return io.NopCloser(bytes.NewReader(text)), nil
}
