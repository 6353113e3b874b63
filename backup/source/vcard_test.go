package source

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/emersion/go-vcard"
	"github.com/google/go-cmp/cmp"
)

func cards(t *testing.T, stream string) []VCard {
	t.Helper()
	var out []VCard
	for c, err := range VCards(strings.NewReader(stream)) {
		if err != nil {
			t.Fatal(err)
		}
		if got := stream[c.Offset : c.Offset+c.Size]; got != string(c.Raw) {
			t.Errorf("offset %d, size %d: raw is %q, the stream has %q", c.Offset, c.Size, c.Raw, got)
		}
		out = append(out, c)
	}
	return out
}

const anna = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a-1\r\nFN:Anna Müller\r\nEND:VCARD\r\n"

func TestVCardsKeepsEveryByte(t *testing.T) {
	type seen struct {
		UID, Name string
		Raw       string
		Broken    bool
	}
	tests := []struct {
		name, stream string
		want         []seen
	}{
		{"empty", "", nil},
		{"one", anna, []seen{{"a-1", "Anna Müller", anna, false}}},
		{"byte order mark", "\xef\xbb\xbf" + anna, []seen{{"a-1", "Anna Müller", anna, false}}},
		{"blank lines between", "\r\n" + anna + "\r\n \r\n" + anna, []seen{{"a-1", "Anna Müller", anna, false}, {"a-1", "Anna Müller", anna, false}}},
		{"no line end", "BEGIN:VCARD\nN:Lee;Kim;;Dr.;\nEND:VCARD", []seen{{"", "Dr. Kim Lee", "BEGIN:VCARD\nN:Lee;Kim;;Dr.;\nEND:VCARD", false}}},
		{"rubbish between", anna + "hello\nworld\n" + anna, []seen{
			{"a-1", "Anna Müller", anna, false}, {"", "", "hello\nworld\n", true}, {"a-1", "Anna Müller", anna, false}}},
		{"cut off", anna + "BEGIN:VCARD\nFN:Bo\n", []seen{{"a-1", "Anna Müller", anna, false}, {"", "Bo", "BEGIN:VCARD\nFN:Bo\n", true}}},
		{"no end", "BEGIN:VCARD\nFN:Bo\n" + anna, []seen{{"", "Bo", "BEGIN:VCARD\nFN:Bo\n", true}, {"a-1", "Anna Müller", anna, false}}},
		{"no property", "BEGIN:VCARD\nFN:Bo\nthis is none\nEND:VCARD\n", []seen{{"", "Bo", "BEGIN:VCARD\nFN:Bo\nthis is none\nEND:VCARD\n", true}}},
		{"nested agent", "BEGIN:VCARD\nUID:x\nFN:Boss\nAGENT:\nBEGIN:VCARD\nFN:Clerk\nUID:y\nEND:VCARD\nEND:VCARD\n",
			[]seen{{"x", "Boss", "BEGIN:VCARD\nUID:x\nFN:Boss\nAGENT:\nBEGIN:VCARD\nFN:Clerk\nUID:y\nEND:VCARD\nEND:VCARD\n", false}}},
		{"quoted-printable", "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCl=\nler;Zo=C3=AB\nEND:VCARD\n",
			[]seen{{"", "Zoë Müller", "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCl=\nler;Zo=C3=AB\nEND:VCARD\n", false}}},
		{"folded name", "BEGIN:VCARD\r\nFN:Anna M\r\n üller\r\nUID:u\r\n\t2\r\nEND:VCARD\r\n",
			[]seen{{"u2", "Anna Müller", "BEGIN:VCARD\r\nFN:Anna M\r\n üller\r\nUID:u\r\n\t2\r\nEND:VCARD\r\n", false}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []seen
			for _, c := range cards(t, tt.stream) {
				got = append(got, seen{c.UID, c.Name, string(c.Raw), c.Err != nil})
				if c.Err != nil && !errors.Is(c.Err, ErrMalformed) {
					t.Errorf("error %v is of no kind", c.Err)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVCardsLongLineAndLimit(t *testing.T) {
	long := "BEGIN:VCARD\nUID:big\nNOTE:" + strings.Repeat("x", 200<<10) + "\nEND:VCARD\n"
	if got := cards(t, long+anna); len(got) != 2 || got[0].UID != "big" || got[0].Err != nil || got[1].UID != "a-1" {
		t.Fatalf("got %d cards, first %q %v", len(got), got[0].UID, got[0].Err)
	}
	tooLarge := io.MultiReader(strings.NewReader("BEGIN:VCARD\n"), io.LimitReader(endless{}, MaxVCard), strings.NewReader("\nEND:VCARD\n"+anna))
	var got []VCard
	for c, err := range VCards(tooLarge) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c)
	}
	if len(got) != 2 || !errors.Is(got[0].Err, ErrBeyondLimit) || got[0].Raw != nil || got[0].Size != MaxVCard+23 || got[1].UID != "a-1" {
		t.Fatalf("got %d cards, first of %d bytes: %v", len(got), got[0].Size, got[0].Err)
	}
	if got[0].ID() == (&VCard{Offset: 5, Size: 1}).ID() {
		t.Error("two cards beyond the limit have one ID")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	return len(p), nil
}

func TestVCardsReadError(t *testing.T) {
	broken := errors.New("disk gone")
	var last error
	n := 0
	for _, err := range VCards(io.MultiReader(strings.NewReader(anna+"BEGIN:VCARD\n"), iotest.ErrReader(broken))) {
		n, last = n+1, err
	}
	if n != 3 || !errors.Is(last, broken) {
		t.Errorf("%d yields, last error %v; want a card, a broken card and the error", n, last)
	}
}

func TestContentID(t *testing.T) {
	a := ParseVCard([]byte("BEGIN:VCARD\nVERSION:3.0\nFN:Bo Li\nTEL;TYPE=cell:1\nREV:2020\nEND:VCARD\n"))
	b := ParseVCard([]byte("BEGIN:VCARD\r\nVERSION:3.0\r\nTEL;TYPE=CELL:1\r\nFN:Bo\r\n  Li\r\nREV:2024\r\nEND:VCARD\r\n"))
	c := ParseVCard([]byte("BEGIN:VCARD\nVERSION:3.0\nFN:Bo Li\nTEL;TYPE=cell:2\nEND:VCARD\n"))
	if a.ID() != b.ID() {
		t.Error("the same card, folded in another way, has another ID")
	}
	if a.ID() == c.ID() {
		t.Error("another card has the same ID")
	}
}

func TestWhatContactsSay(t *testing.T) {
	card := func(lines ...string) []byte {
		return []byte("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:Bo\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCARD\r\n")
	}
	tests := []struct {
		name string
		a, b []byte
		want bool
	}{
		{"stamps", card("PRODID:x", "REV:1"), card("REV:2"), true},
		{"order", card("TEL:1", "EMAIL:a@b"), card("EMAIL:a@b", "TEL:1"), true},
		{"types", card("TEL;TYPE=home,voice:1"), card("TEL;TYPE=VOICE;TYPE=HOME:1"), true},
		{"another type", card("TEL;TYPE=home:1"), card("TEL;TYPE=work:1"), false},
		{"escapes", card(`NOTE:a\, b: c\nd`), card(`NOTE:a, b\: c\Nd`), true},
		{"text semicolon", card(`ORG:A\;B`), card(`ORG:A;B`), false},
		{"trailing parts", card("N:Li;Bo"), card("N:Li;Bo;;;"), true},
		{"value", card("TEL:1"), card("TEL:2"), false},
		{"one more", card("TEL:1"), card("TEL:1", "TEL:1"), false},
		{"evolution's own", card("TEL;X-EVOLUTION-UI-SLOT=1:1", "X-EVOLUTION-WEBDAV-ETAG:x"), card("TEL:1"), true},
		{"photo forms", card("PHOTO;ENCODING=b;TYPE=JPEG:AAEC"), card("PHOTO:data:image/jpeg;base64,AAEC"), true},
		{"photo bytes", card("PHOTO;ENCODING=b;TYPE=JPEG:AAEC"), card("PHOTO;ENCODING=b;TYPE=JPEG:AAED"), false},
		{"photo not embedded", card("PHOTO;VALUE=uri:file:///a"), card("PHOTO;ENCODING=b:AAEC"), false},
		{"groups", card("a.TEL:1", "a.X-ABLABEL:work"), card("b.TEL:1", "a.X-ABLABEL:work"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := slices.Equal(ContactSays(tt.a), ContactSays(tt.b)); got != tt.want {
				t.Errorf("got %v\n%q\n%q", got, contactKeys(tt.a), contactKeys(tt.b))
			}
		})
	}
}

func TestEmbedLocal(t *testing.T) {
	dir := t.TempDir()
	picture := append([]byte("\xff\xd8\xff\xe0"), bytes.Repeat([]byte{1, 2, 3}, 400)...)
	if err := os.MkdirAll(filepath.Join(dir, "photos dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "photos dir", "a.jpg"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("private"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "link.jpg")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	open := func(name string) (io.ReadCloser, error) { return root.Open(name) }
	uri := "file://" + strings.ReplaceAll(dir, " ", "%20") + "/"
	encoded := base64.StdEncoding.EncodeToString(picture)

	tests := []struct {
		name, version, line string
		want                string // the unfolded line; "": unchanged
		err                 error
	}{
		{"version 3", "3.0", "PHOTO;VALUE=uri:" + uri + "photos%20dir/a.jpg", "PHOTO;ENCODING=b;TYPE=JPEG:" + encoded, nil},
		{"keeps type and group", "3.0", "item1.PHOTO;TYPE=\"X-EVOLUTION-UNKNOWN\";VALUE=uri:" + uri + "photos%20dir/a.jpg", "item1.PHOTO;TYPE=\"X-EVOLUTION-UNKNOWN\";ENCODING=b:" + encoded, nil},
		{"version 4", "4.0", "LOGO;PREF=1:" + uri + "photos%20dir/a.jpg", "LOGO;PREF=1:data:image/jpeg;base64," + encoded, nil},
		{"version 4, said", "4.0", "KEY;MEDIATYPE=application/pgp-keys:" + uri + "photos%20dir/a.jpg", "KEY:data:application/pgp-keys;base64," + encoded, nil},
		{"localhost", "3.0", "SOUND;VALUE=URI:FILE://localhost" + uri[7:] + "photos%20dir/a.jpg", "SOUND;ENCODING=b;TYPE=JPEG:" + encoded, nil},
		{"outside", "3.0", "PHOTO;VALUE=uri:file://" + secret, "", ErrOutside},
		{"climbs", "3.0", "PHOTO;VALUE=uri:" + uri + "../../etc/passwd", "", ErrOutside},
		{"climbs, escaped", "3.0", "PHOTO;VALUE=uri:" + uri + "%2e%2e/%2e%2e/etc/passwd", "", ErrOutside},
		{"the folder itself", "3.0", "PHOTO;VALUE=uri:" + uri, "", ErrOutside},
		{"other host", "3.0", "PHOTO;VALUE=uri:file://server/a.jpg", "", ErrNotLocal},
		{"missing", "3.0", "PHOTO;VALUE=uri:" + uri + "no.jpg", "", fs.ErrNotExist},
		{"web", "3.0", "PHOTO;VALUE=uri:https://example.com/a.jpg", "", nil},
		{"not a picture property", "3.0", "URL:" + uri + "photos%20dir/a.jpg", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := "BEGIN:VCARD\r\nVERSION:" + tt.version + "\r\nFN:A\r\n  B\r\n" + tt.line + "\r\nX-ODD:kept \r\nEND:VCARD\r\n"
			after, err := EmbedLocal([]byte(before), open, dir)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			var typed *EmbedError
			if err != nil && !errors.As(err, &typed) {
				t.Errorf("error %T is not typed", err)
			}
			if tt.want == "" {
				if string(after) != before {
					t.Errorf("changed to %q", after)
				}
				return
			}
			head, tail, _ := strings.Cut(before, tt.line+"\r\n")
			if !bytes.HasPrefix(after, []byte(head)) || !bytes.HasSuffix(after, []byte(tail)) {
				t.Fatalf("other lines changed:\n%s", after)
			}
			middle := after[len(head) : len(after)-len(tail)]
			for line := range bytes.Lines(middle) {
				if len(line) > foldAt+2 || !bytes.HasSuffix(line, []byte("\r\n")) {
					t.Errorf("line of %d bytes: %q", len(line), line)
				}
			}
			for l := range contentLines(middle) {
				if got := strings.TrimSuffix(strings.ReplaceAll(string(l.raw), "\r\n ", ""), "\r\n"); got != tt.want {
					t.Errorf("got  %.90s…\nwant %.90s…", got, tt.want)
				}
				if data, _, ok := embedded(&l); !ok || !bytes.Equal(data, picture) {
					t.Error("the bytes do not come back")
				}
			}
			if card := ParseVCard(after); card.Err != nil {
				t.Error(card.Err)
			}
		})
	}
	t.Run("a link that leads out", func(t *testing.T) {
		raw := []byte("BEGIN:VCARD\nPHOTO:" + uri + "link.jpg\nEND:VCARD\n")
		if after, err := EmbedLocal(raw, open, dir); err == nil || !bytes.Equal(after, raw) {
			t.Errorf("err %v, card %q", err, after)
		}
	})
	t.Run("one good, one missing", func(t *testing.T) {
		raw := []byte("BEGIN:VCARD\nPHOTO:" + uri + "photos%20dir/a.jpg\nLOGO:" + uri + "no.png\nEND:VCARD\n")
		after, err := EmbedLocal(raw, open, dir)
		var typed *EmbedError
		if !errors.As(err, &typed) || typed.Property != "LOGO" || !bytes.Contains(after, []byte("PHOTO;ENCODING=b")) || !bytes.Contains(after, []byte("LOGO:file:")) {
			t.Errorf("err %v, card %.200s", err, after)
		}
	})
}

func TestFoldNeverWithinCharacter(t *testing.T) {
	for _, text := range []string{strings.Repeat("ü", 200), "NOTE:" + strings.Repeat("日本", 90), strings.Repeat("x", 75), strings.Repeat("x", 76), strings.Repeat("\x80", 300)} {
		folded := fold(nil, text, "\r\n")
		for line := range bytes.Lines(folded) {
			if len(line) > foldAt+2 {
				t.Errorf("a line of %d bytes", len(line))
			}
			if !bytes.ContainsRune([]byte(text), 0xfffd) && strings.ToValidUTF8(text, "") == text && strings.ToValidUTF8(string(line), "") != string(line) {
				t.Errorf("a character was cut: %q", line)
			}
		}
		if got := strings.TrimSuffix(strings.ReplaceAll(string(folded), "\r\n ", ""), "\r\n"); got != text {
			t.Errorf("does not unfold: %q", got)
		}
	}
}

func TestExportContacts(t *testing.T) {
	var out bytes.Buffer
	in := []string{anna, "BEGIN:VCARD\nFN:Bo\n", "BEGIN:VCARD\nFN:Cy\nEND:VCARD"}
	e, err := ExportContacts(&out, func(yield func([]byte) bool) {
		for _, s := range in {
			if !yield([]byte(s)) {
				return
			}
		}
	})
	if err != nil || e.Written != 2 || len(e.Skipped) != 1 || e.Skipped[1] == nil {
		t.Fatalf("%+v %v", e, err)
	}
	dec := vcard.NewDecoder(&out)
	for _, want := range []string{"Anna Müller", "Cy"} {
		c, err := dec.Decode()
		if err != nil || c.PreferredValue("FN") != want {
			t.Errorf("%v, %v; want %s", c, err, want)
		}
	}
	if _, err := ExportContacts(iotestWriter{}, slices.Values([][]byte{[]byte(anna)})); err == nil {
		t.Error("a full disk went unnoticed")
	}
}

type iotestWriter struct{}

func (iotestWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func FuzzVCard(f *testing.F) {
	f.Add([]byte(anna))
	f.Add([]byte("BEGIN:VCARD\nVERSION:2.1\nN;ENCODING=QUOTED-PRINTABLE:=C3=\n=BC;\nAGENT:\nBEGIN:VCARD\nEND:VCARD\nPHOTO;BASE64:AAEC\n\nEND:VCARD\n"))
	f.Add([]byte("BEGIN:VCARD\nVERSION:4.0\nPHOTO;X=\"a;b:c\":file:///store/a%2f../b\nKEY:data:a/b;base64,AA==\nEND:VCARD\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var kept int64
		for c, err := range VCards(bytes.NewReader(raw)) {
			if err != nil {
				t.Fatal(err)
			}
			kept += c.Size
			if c.ID() == "" {
				t.Error("no ID")
			}
			if says := ContactSays(c.Raw); !Holds(says, says) {
				t.Error("it does not hold what it says itself")
			}
			out, _ := EmbedLocal(c.Raw, func(name string) (io.ReadCloser, error) {
				if !filepath.IsLocal(name) {
					t.Errorf("%q leads out", name)
				}
				return io.NopCloser(strings.NewReader("\xff\xd8\xff data")), nil
			}, "/store")
			if again := ParseVCard(out); c.Err == nil && again.Err != nil {
				t.Errorf("embedding broke the card: %v\n%q", again.Err, out)
			}
		}
		if blank := len(bytes.TrimSpace(raw)); kept < int64(blank)-3 {
			t.Errorf("%d of %d bytes kept", kept, blank)
		}
	})
}
