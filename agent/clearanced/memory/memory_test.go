package memory

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestCodeIsWhatIsRunAndNeverWritten(t *testing.T) {
	got := code(strings.NewReader(`00400000-00403000 r--p 00000000 fd:00 1 /usr/bin/clearanced
00403000-00d37000 r-xp 00003000 fd:00 1 /usr/bin/clearanced
00d37000-015de000 r--p 00937000 fd:00 1 /usr/bin/clearanced
015e1000-017bc000 rw-p 011e1000 fd:00 1 /usr/bin/clearanced
02000000-02001000 rwxp 00000000 fd:00 1 /usr/bin/odd
7fb5b801c000-7fb5b81fc000 rw-p 00000000 00:00 0
7fb600ea6000-7fb600ffc000 r-xp 00026000 fd:00 2 /usr/lib/libc.so.6 (deleted)
7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0 [vdso]
odd r-xp 00026000 fd:00 2 /x
`))
	if want := []mapping{{0x403000, 0xd37000}, {0x7fb600ea6000, 0x7fb600ffc000}}; !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// TestGiveBack: the code that was given back runs on.
func TestGiveBack(t *testing.T) {
	before := files(t)
	GiveBack()
	if after := files(t); after >= before {
		t.Errorf("%d kB of files were resident, now %d", before, after)
	}
}

// files is how much of files is resident, in kB.
func files(t *testing.T) (kB int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssFile:")
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		t.Fatal(err)
	}
	return kB
}
