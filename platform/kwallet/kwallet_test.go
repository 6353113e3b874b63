package kwallet

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/clearance-project/clearance/platform/xdg"
)

func made(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/kdewallet.kwl")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestHas: testdata was made by kwalletd5 of Debian 12, with one entry in the
// folder Nextcloud.
func TestHas(t *testing.T) {
	raw := made(t)
	home := t.TempDir()
	dirs := xdg.Dirs{Home: home, Config: filepath.Join(home, ".config"), Data: filepath.Join(home, "[a]*")}
	if all, err := Open(dirs); err != nil || len(all) != 0 {
		t.Errorf("without a wallet: %v, %v", all, err)
	}
	at := filepath.Join(dirs.Data, "kwalletd", "kdewallet.kwl")
	write := func(b []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(raw)
	all, err := Open(dirs)
	if err != nil || len(all) != 1 || all[0].Path != at {
		t.Fatalf("%v, %v", all, err)
	}
	for entry, want := range map[[2]string]bool{
		{"Nextcloud", "alice:https://cloud.example/:0"}: true, {"Nextcloud", "bob:https://cloud.example/:0"}: false, {"ownCloud", "alice:https://cloud.example/:0"}: false,
	} {
		if got := all[0].Has(entry[0], entry[1]); got != want {
			t.Errorf("%q: %v", entry, got)
		}
	}
	for _, bad := range [][]byte{nil, []byte("KWALLET"), raw[:20], raw[:40], append([]byte("x"), raw...), append(append([]byte{}, raw[:12]...), 1, 0, 0, 0)} {
		write(bad)
		if all, err := Open(dirs); err == nil {
			t.Errorf("%s: %v", hex.EncodeToString(bad), all)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(made(f))
	f.Fuzz(func(t *testing.T, raw []byte) {
		folders, err := parse(raw)
		size := 0
		for _, list := range folders {
			size += 16 * len(list)
		}
		if err == nil && size > len(raw) {
			t.Errorf("%d bytes of %d", size, len(raw))
		}
	})
}
