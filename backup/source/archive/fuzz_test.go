package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

func FuzzCleanName(f *testing.F) {
	for _, s := range []string{"a/b", "../a", `..\a`, "/a", `C:\a`, "a//./b/", "\x00", ""} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, name string, dos bool) {
		p, folder, err := clean(text([]byte(name)), dos)
		if err != nil {
			return
		}
		if strings.HasPrefix(p, "/") || strings.Contains("/"+p+"/", "/../") || strings.Contains("/"+p+"/", "/./") || strings.Contains(p, "//") || strings.IndexByte(p, 0) >= 0 || p == "" && !folder {
			t.Errorf("%q is %q", name, p)
		}
	})
}

// FuzzZip holds our reading of a zip against the standard library's: where both
// give a file, they give the same.
func FuzzZip(f *testing.F) {
	f.Add(zipOf(f, file{"a.jpg", "one"}, file{"b/c.json", `{"photoTakenTime": {"timestamp": "1"}}`}))
	f.Add(zipOf(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bytes.NewReader(data)
		entries, err := zipIndex(t.Context(), in, int64(len(data)))
		if err != nil {
			return
		}
		theirs := map[string][]string{}
		if r, err := zip.NewReader(in, int64(len(data))); err == nil {
			for _, file := range r.File {
				if rc, err := file.Open(); err == nil {
					if b, err := io.ReadAll(io.LimitReader(rc, 1<<20)); err == nil {
						name, _, _ := clean(text([]byte(file.Name)), false)
						theirs[name] = append(theirs[name], string(b))
					}
				}
			}
		}
		for i := range entries {
			e := &entries[i]
			if e.reason != "" || e.size > 1<<20 {
				continue
			}
			rc, err := openZip(in, e)
			if err != nil {
				continue
			}
			b, err := io.ReadAll(rc)
			if err != nil {
				continue
			}
			if int64(len(b)) != e.size {
				t.Errorf("%q has %d bytes, not %d", e.name, len(b), e.size)
			}
			if want := theirs[e.name]; len(want) == 1 && want[0] != string(b) {
				t.Errorf("%q is another than the standard library's", e.name)
			}
		}
	})
}

func FuzzTape(f *testing.F) {
	f.Add(tarOf(f, file{"a.jpg", "one"}, file{"b/c.json", `{"photoTakenTime": {"timestamp": "1"}}`}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		data := gzipped(t, raw)
		tp := &tape{in: bytes.NewReader(data), size: int64(len(data))}
		x := &index{facts: map[int32]facts{}, kept: map[int32][]byte{}}
		entries, err := tapeIndex(context.Background(), tp, x.see)
		if err != nil {
			return
		}
		for i := range entries {
			if e := &entries[i]; e.reason == "" {
				in, err := tp.open(context.Background(), e)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(in)
				if err != nil || int64(len(b)) != e.size {
					t.Errorf("%q: %d of %d bytes, %v", e.name, len(b), e.size, err)
				}
				if err := in.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
