package qsettings

import "testing"

// TestValue: paths as Qt's QSettings writes them.
func TestValue(t *testing.T) {
	for raw, want := range map[string]string{
		`/home/me/Nextcloud/`:                "/home/me/Nextcloud/",
		` /home/me/Nextcloud `:               "/home/me/Nextcloud",
		`/home/me/B\xfcro/`:                  "/home/me/Büro/",
		`/home/me/B\xfc\x63her`:              "/home/me/Bücher", // a digit after an escape is escaped
		`/home/me/\x424\x43e\x442\x43e`:      "/home/me/Фото",
		`/home/me/\xd83d\xdcf7/\xd83d\xdcf7`: "/home/me/📷/📷",
		`/home/me/Bücher`:                    "/home/me/Bücher", // Qt 6 writes UTF-8
		`"/home/me/a, b; c = d/"`:            "/home/me/a, b; c = d/",
		`"/home/me/a \"quoted\" \\ folder"`:  `/home/me/a "quoted" \ folder`,
		`/home/me/tab\there`:                 "/home/me/tab\there",
		`/home/me/\0`:                        "/home/me/\x00",
		``:                                   "",
		"/home/me/\xfc":                      "/home/me/\xfc", // bytes stand for themselves
	} {
		if got, err := Value(raw); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", raw, got, err, want)
		}
	}
	for _, raw := range []string{`/home/\`, `/home/\q`, `/home/\x`, `/home/\xg`, `/home/\x12345`, `"/home`, `/home/\9`} {
		if got, err := Value(raw); err == nil {
			t.Errorf("%s: %q", raw, got)
		}
	}
}

func FuzzValue(f *testing.F) {
	f.Add(`/home/me/B\xfccher/`)
	f.Add(`"\xd83d\xdcf7\`)
	f.Fuzz(func(t *testing.T, raw string) {
		if got, err := Value(raw); err == nil && len(got) > 3*len(raw) {
			t.Errorf("%d bytes of %d", len(got), len(raw))
		}
	})
}
