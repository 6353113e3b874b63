package tasks

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestSettingOf: paths as Qt's QSettings writes them.
func TestSettingOf(t *testing.T) {
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
		if got, err := settingOf(raw); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", raw, got, err, want)
		}
	}
	for _, raw := range []string{`/home/\`, `/home/\q`, `/home/\x`, `/home/\xg`, `/home/\x12345`, `"/home`, `/home/\9`} {
		if got, err := settingOf(raw); err == nil {
			t.Errorf("%s: %q", raw, got)
		}
	}
}

// TestSyncFoldersBeyondASCII: a folder whose name is escaped is a sync client's
// all the same, and one that cannot be understood leaves it open where no copy
// may lie.
func TestSyncFoldersBeyondASCII(t *testing.T) {
	home := t.TempDir()
	at := filepath.Join(home, "Nextcloud", "nextcloud.cfg")
	must(t, os.Mkdir(filepath.Dir(at), 0o700))
	must(t, os.WriteFile(at, []byte("0\\Folders\\1\\localPath=/home/me/B\\xfcro/\n0\\Folders\\2\\localPath=\"/home/me/a, b\"\n"), 0o600))
	if got, err := syncFolders(home); err != nil || !slices.Equal(got, []string{"/home/me/Büro/", "/home/me/a, b"}) {
		t.Errorf("%q, %v", got, err)
	}
	must(t, os.WriteFile(at, []byte("0\\Folders\\1\\localPath=/home/me/\\q\n"), 0o600))
	if got, err := syncFolders(home); err == nil {
		t.Errorf("what is not understood: %q", got)
	}
}

func FuzzSettingOf(f *testing.F) {
	f.Add(`/home/me/B\xfccher/`)
	f.Add(`"\xd83d\xdcf7\`)
	f.Fuzz(func(t *testing.T, raw string) {
		if got, err := settingOf(raw); err == nil && len(got) > 3*len(raw) {
			t.Errorf("%d bytes of %d", len(got), len(raw))
		}
	})
}
