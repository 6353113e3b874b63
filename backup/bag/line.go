package bag

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/clearance-project/clearance/backup/source"
)

// Record is one version of one item in the bag.
type Record struct {
	source.Key
	Name      string
	Rev       string
	Unsettled bool
	Path      string // in the bag
	Size      int64  // bytes
	ModTime   time.Time
	SHA256    [32]byte
	FirstSeen time.Time
	State     State
}

// State says what became of a version.
type State string

// The states of a version.
const (
	Copied State = "copied"
	Edited State = "edited" // changed in the bag by someone else, and kept beside the original's place
	Lost   State = "lost"   // no longer in the bag, though it was not us who took it out
)

// Failure is a line of failures.jsonl.
type Failure struct {
	source.Key
	Name   string
	Reason string // a word that stays the same, see source.Reason
	Detail string
	At     time.Time
}

// line is a Record as it stands in items.jsonl. Text that is not UTF-8 stands in
// the field with _base64.
type line struct {
	Dataset   source.Dataset `json:"dataset,omitempty"`
	Account   string         `json:"account,omitempty"`
	Account64 string         `json:"account_base64,omitempty"`
	Source    string         `json:"source,omitempty"`
	Source64  string         `json:"source_base64,omitempty"`
	ID        string         `json:"id,omitempty"`
	ID64      string         `json:"id_base64,omitempty"`
	Name      string         `json:"name,omitempty"`
	Name64    string         `json:"name_base64,omitempty"`
	Path      string         `json:"path,omitempty"`
	Was       string         `json:"was,omitempty"`
	Size      int64          `json:"size"`
	ModTime   *time.Time     `json:"mtime,omitempty"`
	SHA256    string         `json:"sha256,omitempty"`
	FirstSeen *time.Time     `json:"first_seen,omitempty"`
	State     State          `json:"state"`
}

type failureLine struct {
	Dataset   source.Dataset `json:"dataset,omitempty"`
	Account   string         `json:"account,omitempty"`
	Account64 string         `json:"account_base64,omitempty"`
	Source    string         `json:"source,omitempty"`
	Source64  string         `json:"source_base64,omitempty"`
	ID        string         `json:"id,omitempty"`
	ID64      string         `json:"id_base64,omitempty"`
	Name      string         `json:"name,omitempty"`
	Name64    string         `json:"name_base64,omitempty"`
	Reason    string         `json:"reason"`
	Detail    string         `json:"detail,omitempty"`
	At        *time.Time     `json:"at,omitempty"`
}

// split gives s for the plain field, or for the base64 one.
func split(s string) (plain, b64 string) {
	if utf8.ValidString(s) {
		return s, ""
	}
	return "", base64.StdEncoding.EncodeToString([]byte(s))
}

func join(plain, b64 string) (string, error) {
	if b64 == "" {
		return plain, nil
	}
	b, err := base64.StdEncoding.DecodeString(b64)
	return string(b), err
}

func timeField(t time.Time) *time.Time {
	if t.IsZero() || t.Year() < 1 || t.Year() > 9999 {
		return nil // JSON has no words for it
	}
	t = t.UTC()
	return &t
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func (r *Record) line() line {
	l := line{
		Dataset: r.Dataset, Path: r.Path, Size: r.Size, SHA256: hex.EncodeToString(r.SHA256[:]),
		ModTime: timeField(r.ModTime), FirstSeen: timeField(r.FirstSeen), State: r.State,
	}
	l.Account, l.Account64 = split(r.Account)
	l.Source, l.Source64 = split(r.Source)
	l.ID, l.ID64 = split(r.ID)
	l.Name, l.Name64 = split(r.Name)
	return l
}

func (f *Failure) line() failureLine {
	l := failureLine{Dataset: f.Dataset, Reason: f.Reason, Detail: strings.ToValidUTF8(f.Detail, "\ufffd"), At: timeField(f.At)}
	l.Account, l.Account64 = split(f.Account)
	l.Source, l.Source64 = split(f.Source)
	l.ID, l.ID64 = split(f.ID)
	l.Name, l.Name64 = split(f.Name)
	return l
}

var errLine = errors.New("the line is not one of items.jsonl")

// ParseLine reads a line of items.jsonl. It is hostile input: the path is
// checked to lie under data/, by its text alone.
func ParseLine(text []byte) (Record, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return Record{}, err
	}
	return l.record()
}

func (l *line) record() (Record, error) {
	r := Record{
		Path: l.Path, Size: l.Size, State: l.State,
		ModTime: timeOf(l.ModTime), FirstSeen: timeOf(l.FirstSeen),
	}
	r.Dataset = l.Dataset
	var errs [4]error
	r.Account, errs[0] = join(l.Account, l.Account64)
	r.Source, errs[1] = join(l.Source, l.Source64)
	r.ID, errs[2] = join(l.ID, l.ID64)
	r.Name, errs[3] = join(l.Name, l.Name64)
	if err := errors.Join(errs[:]...); err != nil {
		return Record{}, err
	}
	if !payloadPath(l.Path) || l.Size < 0 {
		return Record{}, errLine
	}
	switch l.State {
	case Copied, Edited:
		if n, err := hex.Decode(r.SHA256[:], []byte(fit64(l.SHA256))); err != nil || n != 32 {
			return Record{}, errLine
		}
	case Lost:
	default:
		return Record{}, errLine
	}
	return r, nil
}

// fit64 makes a wrong length a wrong digest, not a write past the array.
func fit64(s string) string {
	if len(s) != 64 {
		return "-"
	}
	return s
}

// payloadPath reports whether p is a path that a manifest of ours can hold.
func payloadPath(p string) bool {
	return strings.HasPrefix(p, "data/") && fs.ValidPath(p) && len(p) < 4096 &&
		!strings.ContainsAny(p, "\n\r%\\\x00")
}
