package unit_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kardianos/service"

	"github.com/clearance-project/clearance/agent/clearanced/unit"
)

// maxExposure is the bar for the daemon in tenths, as --threshold wants it
// (systemd-analyze security: 0 is closed, 100 open).
const maxExposure = "10"

// render fills a template in as kardianos/service does with a program that
// exists everywhere. The boot in packaging/boot uses the library itself.
func render(t *testing.T, template string, args ...string) string {
	t.Helper()
	var line strings.Builder
	for _, a := range args {
		line.WriteString(` "` + a + `"`)
	}
	text := strings.NewReplacer(
		"{{Description}}", "Clearance agent",
		"{{Path | cmdEscape}}", "/bin/true",
		"{{range Arguments}} {{. | cmd}}{{end}}", line.String(),
	).Replace(template)
	if strings.Contains(text, "{{") {
		t.Fatalf("the template uses what the test does not know:\n%s", text)
	}
	path := filepath.Join(t.TempDir(), unit.Name+".service")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// analyze runs systemd-analyze and returns what it said.
func analyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("SKIPPED LOUDLY: systemd-analyze is not here, the units are not verified")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemd-analyze", args...).CombinedOutput()
	return string(out), err
}

func TestVerify(t *testing.T) {
	for name, path := range map[string]string{
		"system": render(t, unit.Template(), "run"),
		"user":   render(t, unit.UserTemplate(), "run", "--user"),
	} {
		out, err := analyze(t, "verify", "--man=no", "--recursive-errors=no", path)
		if err != nil || strings.Contains(out, unit.Name) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestVerifyFinds shows that the command above does see a fault.
func TestVerifyFinds(t *testing.T) {
	path := render(t, strings.Replace(unit.Template(), "ProtectClock=", "ProtectClocks=", 1), "run")
	if out, err := analyze(t, "verify", "--man=no", "--recursive-errors=no", path); err == nil && !strings.Contains(out, "ProtectClocks") {
		t.Errorf("a misspelt key passed:\n%s", out)
	}
}

func TestExposure(t *testing.T) {
	path := render(t, unit.Template(), "run")
	out, err := analyze(t, "security", "--no-pager", "--offline=true", "--threshold="+maxExposure, path)
	t.Log(regexp.MustCompile(`Overall exposure.*`).FindString(out))
	if err != nil {
		t.Errorf("more exposed than %s tenths: %v\n%s", maxExposure, err, out)
	}
}

// TestRelaxationsHaveReasons wants a comment above each setting that opens what
// could be closed.
func TestRelaxationsHaveReasons(t *testing.T) {
	lines := strings.Split(unit.Template(), "\n")
	for i, line := range lines {
		key, value, _ := strings.Cut(line, "=")
		open := value == "no" || value == "all" || strings.HasSuffix(key, "Mode") && value == "0755"
		if !open {
			continue
		}
		above := strings.Join(lines[max(0, i-3):i], "\n")
		if !strings.Contains(above, "# ") {
			t.Errorf("%s has no reason above it", line)
		}
	}
}

func TestPackaged(t *testing.T) {
	empty, full := t.TempDir(), t.TempDir()
	if path, found := unit.Packaged(empty, filepath.Join(empty, "none")); found {
		t.Errorf("found %s", path)
	}
	want := filepath.Join(full, unit.Name+".service")
	if err := os.Symlink("/dev/null", want); err != nil {
		t.Fatal(err)
	}
	if path, found := unit.Packaged(empty, full); !found || path != want {
		t.Errorf("Packaged = %q, %v, want %q: a masked unit counts too", path, found, want)
	}
	if path, found := unit.Packaged(filepath.Join(want, "below-a-file")); !found {
		t.Errorf("Packaged = %q, %v: what cannot be looked at counts as there", path, found)
	}
}

func TestCheckProgram(t *testing.T) {
	for path, ok := range map[string]bool{
		"/usr/local/bin/clearanced":     true,
		"/opt/clearance/bin/clearanced": true,
		"/home/alice/bin/clearanced":    false,
		"/root/clearanced":              false,
		"/tmp/clearanced":               false,
		"/homes/clearanced":             true,
	} {
		if err := unit.CheckProgram(path); (err == nil) != ok {
			t.Errorf("CheckProgram(%s) = %v", path, err)
		}
	}
}

type state struct {
	st  service.Status
	err error
}

func (s state) Status() (service.Status, error) { return s.st, s.err }

func TestRunning(t *testing.T) {
	for _, c := range []struct {
		state state
		want  string
		why   string
	}{
		{state{service.StatusRunning, nil}, "running", ""},
		{state{service.StatusStopped, nil}, "stopped", ""},
		{state{service.StatusUnknown, nil}, "", "not known"},
		{state{service.StatusUnknown, service.ErrNotInstalled}, "", "clearanced install"},
		{state{service.StatusRunning, errors.New("no bus")}, "", "no bus"},
	} {
		got, err := unit.Running(c.state)
		if got != c.want || (err == nil) != (c.why == "") || (err != nil && !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%+v: %q, %v", c.state, got, err)
		}
	}
}
