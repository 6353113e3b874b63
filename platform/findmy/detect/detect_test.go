package detect_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/findmy/detect"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// device is a root with files in it.
func device(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		at := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(at), 0o755))
		must(t, os.WriteFile(at, []byte(text), 0o644))
	}
	return root
}

func find(here []departure.LocalTracker, id string) *departure.LocalTracker {
	for i := range here {
		if here[i].ID == id {
			return &here[i]
		}
	}
	return nil
}

func TestFilesAlone(t *testing.T) {
	const other = "Package: vim\nStatus: install ok installed\n\n"
	for name, c := range map[string]struct {
		files map[string]string
		id    string
		found string // empty: it is not here
	}{
		"nothing":                  {nil, "prey", ""},
		"a unit":                   {map[string]string{"/etc/systemd/system/prey-agent.service": "[Service]"}, "prey", "service prey-agent.service"},
		"a unit of the package":    {map[string]string{"/usr/lib/systemd/system/prey-agent.service": ""}, "prey", "service prey-agent.service"},
		"a unit of another":        {map[string]string{"/etc/systemd/system/osprey-agent.service": ""}, "prey", ""},
		"its configuration":        {map[string]string{"/etc/prey/prey.conf": "[control-panel]"}, "prey", "/etc/prey/prey.conf"},
		"its folder":               {map[string]string{"/usr/lib/prey/current/bin/prey": ""}, "prey", "/usr/lib/prey"},
		"a file where a folder is": {map[string]string{"/etc/prey": ""}, "prey", ""},
		"Debian's package": {map[string]string{"/var/lib/dpkg/info/prey.list": "", "/var/lib/dpkg/status": other + "Package: prey\nStatus: install ok installed\n"},
			"prey", "package prey"},
		"of one architecture": {map[string]string{"/var/lib/dpkg/info/prey:amd64.list": "", "/var/lib/dpkg/status": "Package: prey\nStatus: install ok half-configured\n"},
			"prey", "package prey"},
		"removed, configuration left": {map[string]string{"/var/lib/dpkg/info/prey.list": "", "/var/lib/dpkg/status": other + "Package: prey\nStatus: deinstall ok config-files\n\n" + other},
			"prey", ""},
		"Arch's package":    {map[string]string{"/var/lib/pacman/local/prey-1.13.1-2/desc": ""}, "prey", "package prey"},
		"Arch, another":     {map[string]string{"/var/lib/pacman/local/prey-extra-1.0-1/desc": ""}, "prey", ""},
		"Alpine's package":  {map[string]string{"/lib/apk/db/installed": "C:x\nP:geoclue\nV:2\n"}, "geoclue", "package geoclue"},
		"KDE Connect":       {map[string]string{"/usr/lib/x86_64-linux-gnu/qt5/plugins/kdeconnect/kdeconnect_findmyphone.so": ""}, "kde-connect", "/usr/lib/x86_64-linux-gnu/qt5/plugins/kdeconnect/kdeconnect_findmyphone.so"},
		"KDE Connect alone": {map[string]string{"/usr/lib/x86_64-linux-gnu/qt5/plugins/kdeconnect/kdeconnect_battery.so": ""}, "kde-connect", ""},
	} {
		t.Run(name, func(t *testing.T) {
			here := detect.New(detect.Options{Root: device(t, c.files)}).Look(t.Context())
			got := find(here, c.id)
			switch {
			case c.found == "" && len(here) != 0:
				t.Errorf("here: %+v", here)
			case c.found != "" && (got == nil || !slices.Contains(got.Found, c.found) || got.Unsure != ""):
				t.Errorf("here: %+v, want %s", here, c.found)
			}
		})
	}
}

// What may not be looked at is not absent, for what ties a device to an account.
func TestWhatCannotBeLookedAt(t *testing.T) {
	root := device(t, map[string]string{"/var/lib/dpkg/info/prey.list": ""})
	must(t, os.MkdirAll(filepath.Join(root, "/var/lib/dpkg/status"), 0o755)) // a folder cannot be read as a list
	prey := find(detect.New(detect.Options{Root: root}).Look(t.Context()), "prey")
	if prey == nil || prey.Unsure == "" || len(prey.Found) != 0 || !prey.TiesTo("prey") || strings.Contains(prey.Unsure, "\n") {
		t.Errorf("%+v", prey)
	}
}

type pair struct{ Path, State string }

type unit struct {
	Name, Description, Load, Active, Sub, Following string
	Object                                          dbus.ObjectPath
	Job                                             uint32
	JobType                                         string
	JobObject                                       dbus.ObjectPath
}

// systemd serves two methods on a bus of its own; answers may be of any type.
func systemd(t *testing.T, files, units any) (*session.SystemBus, *bus.Conn) {
	t.Helper()
	b := sessiontest.StartSystemBus(t, session.SystemOptions{Owners: []uint32{0, uint32(os.Geteuid())}})
	conn, err := b.Dial(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.ExportMethodTable(map[string]any{"ListUnitFilesByPatterns": files, "ListUnitsByPatterns": units},
		"/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"))
	got, err := conn.RequestName("org.freedesktop.systemd1", dbus.NameFlagDoNotQueue)
	must(t, err)
	if got != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("cannot be systemd: %v", got)
	}
	return b, connect(t, b)
}

func connect(t *testing.T, b *session.SystemBus) *bus.Conn {
	t.Helper()
	c, err := bus.Open(t.Context(), bus.Options{Address: b.Address})
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

func answer[T any](v T) func([]string, []string) (T, *dbus.Error) {
	return func([]string, []string) (T, *dbus.Error) { return v, nil }
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: systemd counts only where root owns its name")
	}
}

func TestSystemd(t *testing.T) {
	needRoot(t)
	loaded := func(load string) []unit {
		return []unit{{Name: "prey-agent.service", Load: load, Active: "inactive", Object: "/a", JobObject: "/"}}
	}
	for name, c := range map[string]struct {
		files, units any
		found        string
		unsure       bool
	}{
		"enabled":                    {answer([]pair{{"/lib/systemd/system/prey-agent.service", "enabled"}}), answer(loaded("loaded")), "service prey-agent.service, enabled", false},
		"stopped by hand, masked":    {answer([]pair{{"/etc/systemd/system/prey-agent.service", "masked"}}), answer([]unit{}), "service prey-agent.service, masked", false},
		"loaded without a file":      {answer([]pair{}), answer(loaded("loaded")), "service prey-agent.service, inactive", false},
		"only wanted":                {answer([]pair{}), answer(loaded("not-found")), "", false},
		"none":                       {answer([]pair{}), answer([]unit{}), "", false},
		"files of another type":      {answer("none"), answer([]unit{}), "", true},
		"files of another form":      {answer([]string{"x"}), answer([]unit{}), "", true},
		"units of another type":      {answer([]pair{}), answer(uint32(0)), "", true},
		"an error":                   {func([]string, []string) ([]pair, *dbus.Error) { return nil, dbus.NewError("org.example.No", nil) }, answer([]unit{}), "", true},
		"a method that is not there": {func(string) ([]pair, *dbus.Error) { return nil, nil }, answer([]unit{}), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			_, conn := systemd(t, c.files, c.units)
			prey := find(detect.New(detect.Options{Root: t.TempDir(), Bus: conn}).Look(t.Context()), "prey")
			switch {
			case c.found == "" && !c.unsure && prey != nil, c.unsure && (prey == nil || prey.Unsure == ""),
				c.found != "" && (prey == nil || !slices.Equal(prey.Found, []string{c.found}) || prey.Unsure != ""):
				t.Errorf("%+v", prey)
			}
		})
	}
}

func TestSystemdThatIsNotThere(t *testing.T) {
	b := sessiontest.StartSystemBus(t, session.SystemOptions{})
	root := device(t, map[string]string{"/etc/systemd/system/prey-agent.service": ""})
	conn := connect(t, b)
	here := detect.New(detect.Options{Root: root, Bus: conn}).Look(t.Context())
	if prey := find(here, "prey"); prey == nil || prey.Unsure != "" || len(here) != 1 {
		t.Errorf("%+v", here)
	}
	must(t, b.Stop())
	// A bus that vanished: what is on the disk is told all the same.
	here = detect.New(detect.Options{Root: root, Bus: conn, Timeout: time.Second}).Look(t.Context())
	if prey := find(here, "prey"); prey == nil || len(prey.Found) != 1 || prey.Unsure == "" {
		t.Errorf("%+v", here)
	}
}

func TestSlowSystemd(t *testing.T) {
	needRoot(t)
	gate := make(chan struct{})
	defer close(gate)
	_, conn := systemd(t, func([]string, []string) ([]pair, *dbus.Error) { <-gate; return nil, nil }, answer([]unit{}))
	began := time.Now()
	prey := find(detect.New(detect.Options{Root: t.TempDir(), Bus: conn, Timeout: 100 * time.Millisecond}).Look(t.Context()), "prey")
	if prey == nil || prey.Unsure == "" || time.Since(began) > 10*time.Second {
		t.Errorf("%+v after %v", prey, time.Since(began))
	}
}

// mute is a tracker that says one thing.
type mute struct {
	engine.Tracker
	err error
}

func (m mute) State(context.Context, departure.Account, []string) (departure.Trackers, error) {
	return departure.Trackers{Complete: true, Seen: []departure.Tracker{{Name: "x", State: departure.TrackerOn}}}, m.err
}

func TestBeside(t *testing.T) {
	d := detect.New(detect.Options{Root: device(t, map[string]string{"/etc/prey/prey.conf": ""})})
	ts, err := detect.Beside(mute{}, d).State(t.Context(), departure.Account{}, nil)
	must(t, err)
	if len(ts.Seen) != 1 || len(ts.Here) != 1 || len(ts.TiedHere("prey")) != 1 || len(ts.TiedHere("nextcloud")) != 0 {
		t.Errorf("%+v", ts)
	}
	if _, err := detect.Beside(mute{err: errors.New("no bus")}, d).State(t.Context(), departure.Account{}, nil); err == nil {
		t.Error("a bus that cannot be asked gave an answer")
	}
}
