package kdeconnect

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/qsettings"
	"github.com/clearance-project/clearance/platform/xdg"
)

const list = `[8f2d_01]
certificate="-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
name=Alice\x2019s Pixel
type=phone

[tablet]
certificate=@ByteArray(x)
`

// TestHints: a paired device is told, whatever account is left.
func TestHints(t *testing.T) {
	home := t.TempDir()
	p := New(xdg.Dirs{Home: home, Config: filepath.Join(home, ".config")})
	if hints, err := p.Hints(t.Context()); err != nil || len(hints) != 0 {
		t.Errorf("without the program: %+v, %v", hints, err)
	}
	at := filepath.Join(home, ".config/kdeconnect/trusted_devices")
	write := func(text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write(list)
	hints, err := p.Hints(t.Context())
	if err != nil || len(hints) != 2 {
		t.Fatalf("%+v, %v", hints, err)
	}
	if h := hints[0]; !h.Everybody || h.Hint.ID != "kdeconnect:8f2d_01" || !strings.HasPrefix(h.Hint.Text, "Alice’s Pixel (phone) is paired") || h.Hint.Remedy.Text == "" {
		t.Errorf("%+v", h)
	}
	if hints[1].Hint.Name != "a device without a name" {
		t.Errorf("%+v", hints[1])
	}
	if entries, err := p.Entries(t.Context()); err != nil || len(entries) != 0 {
		t.Errorf("%+v, %v", entries, err)
	}
	if err := p.Remove(t.Context(), "kdeconnect:8f2d_01"); !errors.Is(err, binding.ErrGone) {
		t.Errorf("%v", err)
	}
	write("[8f2d_01\n")
	if hints, err := p.Hints(t.Context()); err == nil {
		t.Errorf("half a file: %+v", hints)
	}
}

func FuzzDevices(f *testing.F) {
	f.Add(list)
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := qsettings.Parse([]byte(text))
		if err != nil {
			return
		}
		all, err := devicesOf(entries)
		if len(all) > maxDevices || err != nil && all != nil {
			t.Errorf("%d devices, %v", len(all), err)
		}
	})
}
