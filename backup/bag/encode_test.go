package bag

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

// FuzzEncode: what is written by hand is what encoding/json writes.
func FuzzEncode(f *testing.F) {
	f.Add("alice", "IMG \"1\"\\.jpg", "data/photos/a.jpg", int64(3), int64(1700000000123456789), true)
	f.Add("", "\xff\u2028\u2029\x00\x1f\x7f\t\n\r\b\f<&>é", "data/é", int64(-1), int64(0), false)
	f.Fuzz(func(t *testing.T, account, id, path string, size, ns int64, flag bool) {
		at := time.Unix(0, ns).UTC()
		r := Record{
			Key:  source.Key{Ref: source.Ref{Account: account, Dataset: source.Dataset(account), Source: id}, ID: id},
			Name: account, Rev: id, Unsettled: flag, Path: path, Size: size, ModTime: at, FirstSeen: at, State: Copied,
		}
		e := r.entry()
		e.Adopted, e.Temp, e.Was, e.State = flag, path, account, State(id)
		if flag {
			e.ModTime = nil
		}
		same(t, e.line.appendTo(nil), &e.line)
		same(t, e.appendTo(nil), &e)
	})
}

func same(t *testing.T, got []byte, v any) {
	t.Helper()
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	if w := bytes.TrimSuffix(want.Bytes(), []byte("\n")); !bytes.Equal(got, w) {
		t.Errorf("got  %s\nwant %s", got, w)
	}
}
