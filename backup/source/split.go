package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxSplit bounds a file of contacts or calendars that is split in memory.
const maxSplit = 512 << 20

// openWhole opens a file of a folder or of an archive, and says how large it is.
func (it *Item) openWhole(ctx context.Context) (io.ReadCloser, int64, error) {
	if it.File == nil {
		in, err := it.Open(ctx)
		return in, it.Size, err
	}
	in, stat, err := it.File.Open()
	return in, stat.Size, err
}

// SplitFile takes a file of contacts (.vcf) or calendar objects (any other)
// apart, one item each, with the id FILE/ITEM. What does not parse is an item as
// it stands; an error means that the file cannot be taken apart.
func SplitFile(ctx context.Context, file *Item) (items []Item, err error) {
	in, size, err := file.openWhole(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if size > maxSplit {
		return nil, fmt.Errorf("%s is larger than %d MB", file.ID, maxSplit>>20)
	}
	seen := make(map[string]int)
	add := func(id, name string, raw []byte) {
		seen[id]++
		if n := seen[id]; n > 1 {
			id = fmt.Sprintf("%s#%d", id, n)
		}
		// The content is the revision: a file is written anew as a whole.
		sum := sha256.Sum256(raw)
		items = append(items, Item{
			Key: Key{Ref: file.Ref, ID: file.ID + "/" + id}, Name: name, Folder: file.Folder,
			Rev: hex.EncodeToString(sum[:]), Size: int64(len(raw)), ModTime: file.ModTime, Ext: file.Ext,
			Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil },
		})
	}
	if strings.EqualFold(file.Ext, ".vcf") {
		for card, err := range VCards(in) {
			if err != nil {
				return nil, err
			}
			if card.Raw == nil {
				return nil, fmt.Errorf("one of its contacts has %d bytes", card.Size)
			}
			add(card.ID(), card.Name, card.Raw)
		}
		return items, nil
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxSplit))
	if err != nil {
		return nil, err
	}
	objects, err := SplitCalendar(raw)
	if err != nil {
		return nil, err
	}
	for i := range objects {
		add(objects[i].ID(), objects[i].Name, objects[i].Raw)
	}
	return items, nil
}
