package dav

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sort"
	"time"
)

// Item is one contact, calendar object, file or folder as the server lists it.
type Item struct {
	// Name is the path beneath its collection, decoded: "x.vcf", "Photos/a.jpg".
	Name string
	// Rev is the ETag as the server wrote it; of a folder it may be empty.
	Rev string
	// Size is in bytes; -1 where the server does not say.
	Size     int64
	Modified time.Time
	Folder   bool
	// Type is the media type that the server claims.
	Type string
	// FileID is Nextcloud's number of a file, the same over renames.
	FileID string
	// SharedBy is the person whose it is, where it is shared with the account.
	SharedBy Person
	// Checksums are those that the server states, "SHA1:…".
	Checksums []string
}

// Listing is what one look at a collection found. Only a complete one counts:
// then it has a digest, and a count that may be 0.
type Listing struct {
	Collection Collection
	Complete   bool
	// Why says what makes it incomplete.
	Why string
	// Retry is how long the server asked to wait before the next try.
	Retry              time.Duration
	StartedAt, EndedAt time.Time
	// Count is the number of items that are no folders.
	Count   int
	Folders int
	// Digest is that of Digest over the items.
	Digest string
	// State is the server's mark of the collection's state, the same before and
	// after; empty where the server has none.
	State string
	// Items is empty after Walk, which hands them on instead.
	Items []Item
	// Broken says why what other people share could not be listed in full, by
	// their ID; none of it counts against the account's own.
	Broken map[string]error
}

// StateKey names what was listed and as what it was found: two listings of one key
// compare alike.
func (l Listing) StateKey() string { return l.Collection.Path + "\x00" + l.State + "\x00" + l.Digest }

// Digest stands for a set of items in any order: SHA-256, in hex, over the
// sorted SHA-256 of each row. A row is the length of the name in eight bytes,
// big-endian, the name, and the revision. A folder's row has the name, a slash
// and no revision, because some servers give folders none.
func Digest(items []Item) string {
	var rows rowSet
	for _, it := range items {
		rows.add(it)
	}
	return rows.digest()
}

// rowSet collects the rows of a digest: 32 bytes an item.
type rowSet struct{ rows [][sha256.Size]byte }

func (s *rowSet) add(it Item) {
	name, rev := it.Name, it.Rev
	if it.Folder {
		name, rev = name+"/", ""
	}
	row := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(name)+len(rev)), uint64(len(name)))
	row = append(append(row, name...), rev...)
	s.rows = append(s.rows, sha256.Sum256(row))
}

func (s *rowSet) digest() string {
	sort.Slice(s.rows, func(i, j int) bool { return bytes.Compare(s.rows[i][:], s.rows[j][:]) < 0 })
	h := sha256.New()
	for i := range s.rows {
		h.Write(s.rows[i][:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
