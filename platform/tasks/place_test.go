package tasks

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSyncFolders: a configuration that cannot be read to its end leaves it open
// where no copy may lie.
func TestSyncFolders(t *testing.T) {
	home := t.TempDir()
	at := filepath.Join(home, "Nextcloud", "nextcloud.cfg")
	must(t, os.Mkdir(filepath.Dir(at), 0o700))
	if got, err := syncFolders(home); err != nil || len(got) != 0 {
		t.Errorf("without a client: %v, %v", got, err)
	}
	write := func(long int) {
		must(t, os.WriteFile(at, []byte("[Accounts]\ncert="+strings.Repeat("x", long)+"\n0\\Folders\\1\\localPath=/home/me/Nextcloud/\n"), 0o600))
	}
	write(200 << 10)
	if got, err := syncFolders(home); err != nil || !slices.Equal(got, []string{"/home/me/Nextcloud/"}) {
		t.Errorf("after a long line: %v, %v", got, err)
	}
	write(maxLine)
	if got, err := syncFolders(home); err == nil {
		t.Errorf("after a line that is too long: %v", got)
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
