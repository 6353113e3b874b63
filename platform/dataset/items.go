package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"iter"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/source"
)

// Bytes opens an item that is in memory.
func Bytes(raw []byte) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
}

// Rev is the revision of an item that has none but its content.
func Rev(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// Made is an item whose bytes are made of what a program stores.
func Made(ref source.Ref, id, name, folder, ext string, raw []byte) source.Item {
	return source.Item{
		Key: source.Key{Ref: ref, ID: id}, Name: name, Folder: folder, Ext: ext,
		Rev: Rev(raw), Size: int64(len(raw)), Open: Bytes(raw),
	}
}

// Incomplete is what a listing yields that may lack items.
func Incomplete(ref source.Ref, err error) (source.Item, error) {
	return source.Item{Key: source.Key{Ref: ref}}, &source.Incomplete{Ref: ref, Err: err}
}

// Lister is the type of [Store.List].
type Lister = func(context.Context, source.Ref, func(*source.Item) bool) iter.Seq2[source.Item, error]

// Unreadable is a store that is there and cannot be listed.
func Unreadable(s Store, err error) Store {
	s.Why = departure.Reason{Code: "store", Text: s.Name + " cannot be read: " + err.Error()}
	s.List = nil
	return s
}
