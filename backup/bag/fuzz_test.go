package bag

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

func sample() Record {
	return Record{
		Key:  source.Key{Ref: source.Ref{Account: "a", Dataset: source.Photos, Source: "s\xff"}, ID: "x/\xfe.jpg"},
		Name: "\xfe.jpg", Rev: "r\xff", Path: "data/photos/s_/_.jpg", Size: 7, ModTime: time.Unix(1, 2).UTC(),
		SHA256: [32]byte{1, 2, 3}, FirstSeen: time.Unix(3, 4).UTC(), State: Copied,
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add([]byte(`{"dataset":"photos","id":"a","path":"data/a","size":1,"sha256":"` + strings.Repeat("0a", 32) + `","state":"copied"}`))
	f.Add([]byte(`{"path":"data/../../etc/passwd","state":"lost"}`))
	f.Add([]byte(`{"id_base64":"!","path":"data/a","state":"lost"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseLine(text)
		if err != nil {
			return
		}
		if !payloadPath(r.Path) || strings.Contains("/"+r.Path+"/", "/../") || r.Size < 0 {
			t.Fatalf("%+v", r)
		}
	})
}

func FuzzJournal(f *testing.F) {
	r := sample()
	e := r.entry()
	e.Temp = tempDir + "/x"
	good := e.append(nil)
	f.Add(good)
	f.Add(append(good[:len(good):len(good)], good[:len(good)-3]...))
	f.Add([]byte("00000000 {}\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := readJournal(bytes.NewReader(text), func(e *entry) error {
			if _, err := e.record(); err != nil {
				t.Fatal(err)
			}
			return nil
		}, func([]byte) {}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestJournalLineComesBackAsItWent(t *testing.T) {
	r := sample()
	e := r.entry()
	text := e.append(nil)
	back, err := parseEntry(trimLF(text))
	if err != nil {
		t.Fatal(err)
	}
	got, err := back.record()
	if err != nil || got != r {
		t.Fatalf("%+v, %v, want %+v", got, err, r)
	}
	for i := range text[:len(text)-1] {
		bad := bytes.Clone(text)
		bad[i] ^= 1
		n := 0
		if _, err := readJournal(bytes.NewReader(bad), func(*entry) error { return nil }, func([]byte) { n++ }); err != nil || n == 0 {
			t.Fatalf("a flipped bit at %d passes: %d %v", i, n, err)
		}
	}
}
