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
