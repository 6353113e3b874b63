package eds

import (
	"strings"
	"testing"
)

func TestVersions(t *testing.T) {
	for name, want := range map[string]int{dotted + "Sources5": 5, dotted + "Sources": -1, dotted + "Sources10": 10, dotted + "Sources5x": -1, dotted + "SourcesX5": -1, "x" + dotted + "Sources5": -1, dotted + "Sources99999999999": -1, dotted + "Sources-1": -1} {
		if got := versionOf(name, sourceRegistry); got != want {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestResolveParents(t *testing.T) {
	all := map[string]entry{}
	add := func(uid, data string) {
		kf, err := dataOf(data)
		if err != nil {
			t.Fatal(err)
		}
		all[uid] = entry{uid: uid, file: kf}
	}
	add("goa", "[Data Source]\nEnabled=true\n[GNOME Online Accounts]\nAccountId=account_1\n[Collection]\nIdentity=alice\nContactsUrl=https://Cloud.Example.org:8443/remote.php/carddav/\n")
	add("book", "[Data Source]\nParent=goa\n[Address Book]\nBackendName=carddav\n[WebDAV Backend]\nResourcePath=/x/\n")
	add("odd", "[Data Source]\nParent=goa\n[Address Book]\nBackendName=local\n")
	add("off", "[Data Source]\nEnabled=false\nParent=\n[Calendar]\nBackendName=local\n")
	add("under", "[Data Source]\nParent=off\n[Calendar]\nBackendName=local\n")
	add("a", "[Data Source]\nParent=b\n[Memo List]\nBackendName=local\n")
	add("b", "[Data Source]\nParent=a\n[Memo List]\nBackendName=local\n")
	add("hand", "[Data Source]\nParent=\n[Calendar]\nBackendName=caldav\n[Authentication]\nHost=Dav.Example.org\nPort=70000\nUser=bob\n")
	add("noid", "[Data Source]\nParent=\n[GNOME Online Accounts]\n[Address Book]\nBackendName=local\n")
	for uid, check := range map[string]func(Source) bool{
		"book": func(s Source) bool {
			return s.GOAAccount == "account_1" && s.Host == "cloud.example.org" && s.Port == 8443 && s.User == "alice" && s.Path == "/x/" && !s.Local
		},
		"odd":   func(s Source) bool { return !s.Local && s.Evidence() == EvidenceCache },
		"under": func(s Source) bool { return !s.Enabled && s.Local },
		"a":     func(s Source) bool { return s.Malformed != "" && !s.Local },
		"hand": func(s Source) bool {
			return s.Host == "dav.example.org" && s.Port == 0 && s.User == "bob" && !s.Account() && !s.Local
		},
		"noid": func(s Source) bool { return s.GOAAccount == "unknown" && !s.Local },
	} {
		if s := resolve(all[uid], all); !check(s) {
			t.Errorf("%s: %+v", uid, s)
		}
	}
}

func TestContentComparison(t *testing.T) {
	want := contentOf("BEGIN:VCARD\nVERSION:4.0\nUID:1\nFN:A\\, B\nTEL;TYPE=\"cell,home\":1\nPHOTO;ENCODING=b;TYPE=JPEG:aGVs\n bG8=\nREV:x\nEND:VCARD")
	same := "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:2\r\nitem1.TEL;TYPE=HOME;TYPE=CELL:1\r\nFN:A, B\r\nPHOTO;ENCODING=BASE64:aGVsbG8\r\nX-MORE:1\r\nEND:VCARD\r\n"
	if lost := missing(want, contentOf(same)); lost != "" {
		t.Errorf("%q is missing", lost)
	}
	for _, cut := range []string{"FN:A, B", "TYPE=HOME;", "aGVsbG8", "TEL;TYPE=HOME;TYPE=CELL:1"} {
		if missing(want, contentOf(strings.Replace(same, cut, "", 1))) == "" {
			t.Errorf("nobody misses %q", cut)
		}
	}
	if missing(contentOf("BEGIN:X\nTEL:1\nTEL:1\nEND:X"), contentOf("BEGIN:X\nTEL:1\nEND:X")) == "" {
		t.Error("one of two equal properties is not missed")
	}
	if missing(contentOf("BEGIN:VEVENT\nBEGIN:VALARM\nX:1\nEND:VALARM\nEND:VEVENT"), contentOf("BEGIN:VEVENT\nX:1\nEND:VEVENT")) == "" {
		t.Error("a property of another component is taken for it")
	}
}

func TestRevisionOfComponents(t *testing.T) {
	plain := "BEGIN:VEVENT\nUID:1\nSUMMARY:a\nBEGIN:VALARM\nEND:VALARM\nEND:VEVENT\n"
	same := "BEGIN:VEVENT\r\nX-OTHER:1\r\nSUMMARY:a\r\nUID:1\r\nATTACH:x\r\nBEGIN:VALARM\r\nSUMMARY:z\r\nEND:VALARM\r\nEND:VEVENT\r\n"
	if revisionOf(plain) != revisionOf(same) {
		t.Error("the revision depends on how EDS renders a component")
	}
	if revisionOf(plain) == revisionOf(strings.Replace(plain, "SUMMARY:a", "SUMMARY:b", 1)) {
		t.Error("a change does not show")
	}
	tagged := strings.Replace(plain, "SUMMARY:a\n", "SUMMARY:a\nX-EVOLUTION-CALDAV-ETAG:42\n", 1)
	if revisionOf(tagged) != "42" {
		t.Errorf("%q is no ETag", revisionOf(tagged))
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{card(1), daily("x"), memo(1), "BEGIN:VCARD\nPHOTO;VALUE=uri:file:///x\n y\nEND:VCARD", ":", ";:", "END:\nEND:VCALENDAR\nBEGIN:", " x\n y", "\"a:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		propertyOf(s, "UID")
		c := contentOf(s)
		if lost := missing(c, c); lost != "" {
			t.Errorf("%q is missing in itself", lost)
		}
		c.digest()
		parts := componentsOf(s)
		zoneIDs(parts)
		if again := componentsOf(calendarOf(sorted(parts))); len(again) != len(parts) {
			t.Errorf("%d components became %d", len(parts), len(again))
		}
		withUID(s, "x")
		inlinePhotos(s)
		if _, err := embed(s, func(string) ([]byte, error) { return []byte("x"), nil }); err != nil {
			t.Error(err)
		}
	})
}

func FuzzKeyFile(f *testing.F) {
	f.Add(bookData)
	f.Add("[A]\nk[x]=\\\n[")
	f.Fuzz(func(t *testing.T, s string) {
		kf, _ := dataOf(s)
		resolve(entry{uid: "a", file: kf}, map[string]entry{"a": {uid: "a", file: kf}})
	})
}

func FuzzLinked(f *testing.F) {
	f.Add("file:///a/../b")
	f.Add("file://x/%2e%2e/etc")
	f.Fuzz(func(t *testing.T, uri string) {
		if b, err := Linked(t.TempDir(), uri, 10); err == nil {
			t.Errorf("%q of an empty folder: %q", uri, b)
		}
	})
}
