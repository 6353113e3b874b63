package boot

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bootTime is how long a boot with everything in it may take; it takes some ten
// seconds on two cores.
const bootTime = 3 * time.Minute

// skip says why the boot is not tested; make test repeats it at its end.
func skip(t *testing.T, why string) {
	t.Helper()
	t.Skip("clearanced as a service of a booted systemd: " + why)
}

// results are what the steps inside left in out.
type results struct {
	t   *testing.T
	out string
}

func (r results) read(name string) string {
	r.t.Helper()
	raw, err := os.ReadFile(filepath.Join(r.out, name))
	if err != nil {
		r.t.Fatalf("the step left nothing: %v", err)
	}
	return strings.TrimSpace(string(raw))
}

// ok wants the step to have ended well and to have printed each text.
func (r results) ok(step string, texts ...string) {
	r.t.Helper()
	if rc := r.read(step + ".rc"); rc != "0" {
		r.t.Errorf("%s ended with %s: %s", step, rc, r.read(step+".out"))
		return
	}
	r.prints(step, texts...)
}

// refused wants the step to have failed and to have said each text.
func (r results) refused(step string, texts ...string) {
	r.t.Helper()
	if r.read(step+".rc") == "0" {
		r.t.Errorf("%s was not refused: %s", step, r.read(step+".out"))
		return
	}
	r.prints(step, texts...)
}

func (r results) prints(step string, texts ...string) {
	r.t.Helper()
	got := r.read(step + ".out")
	for _, text := range texts {
		if !strings.Contains(got, text) {
			r.t.Errorf("%s printed %q, want %q in it", step, got, text)
		}
	}
}

// lacks wants the step to have printed none of the texts.
func (r results) lacks(step string, texts ...string) {
	r.t.Helper()
	got := r.read(step + ".out")
	for _, text := range texts {
		if strings.Contains(got, text) {
			r.t.Errorf("%s printed %q, with %q in it", step, got, text)
		}
	}
}

// TestBoot runs the service's whole life in a booted system.
func TestBoot(t *testing.T) {
	if os.Geteuid() != 0 {
		skip(t, "it needs root")
	}
	for _, program := range []string{"systemd-nspawn", "unshare", "systemd-analyze"} {
		if _, err := exec.LookPath(program); err != nil {
			skip(t, program+" is not installed")
		}
	}
	if _, err := os.Stat("/sbin/init"); err != nil {
		skip(t, "there is no init to boot")
	}
	r := results{t: t, out: boot(t)}

	t.Run("system", func(t *testing.T) { checkSystem(results{t, r.out}) })
	t.Run("user", func(t *testing.T) { checkUser(results{t, r.out}) })
	if t.Failed() {
		t.Log("the journal:\n" + r.read("journal.out"))
	}
}

// checkSystem judges the service of the whole device.
func checkSystem(r results) {
	r.refused("packaged", "/usr/lib/systemd/system/clearanced.service")
	r.ok("packaged-left")
	r.refused("hidden", "/root")
	r.ok("hidden-left")

	r.refused("absent")
	r.ok("install")
	r.ok("unit", `ExecStart=/usr/local/bin/clearanced "run"`, "Type=notify", "WatchdogSec=")
	r.ok("verify")
	r.ok("enabled", "enabled")
	r.refused("twice")
	r.ok("installed", "stopped")
	r.ok("start")
	r.ok("status", "running")
	r.ok("show", "ActiveState=active", "SubState=running", "DynamicUser=yes", "NRestarts=0", "Type=notify", "WatchdogUSec=3min")
	r.ok("owner", "clearance")
	r.ok("socket", "700")
	r.ok("state", "700 clearance")

	r.ok("overrides", "a provider's file cannot be used", "provider=oppo", "oppo.json can be written by others (mode 0666)")
	r.lacks("overrides", "acme")
	r.ok("trackers", "PASS: TestBooted")

	r.ok("kill")
	r.ok("restarted")
	r.ok("stop")
	r.ok("stopped", "stopped")
	r.ok("result", "success")
	r.ok("uninstall")
	r.ok("left")
	r.refused("gone")
}

// checkUser judges the service of one person.
func checkUser(r results) {
	r.ok("user-install")
	r.ok("user-verify")
	r.ok("user-start")
	r.ok("user-status", "running")
	r.ok("user-show", "ActiveState=active", "SubState=running", "NRestarts=0", "Type=notify")
	r.ok("user-socket", "700")
	r.ok("user-overrides", "provider=oppo", "oppo.json can be written by others (mode 0666)")
	r.lacks("user-overrides", "acme")
	r.ok("user-trackers", "PASS: TestBooted")
	r.ok("user-stop")
	r.ok("user-stopped", "stopped")
	r.ok("user-uninstall")
	r.ok("user-left")
}

// boot boots a system with clearanced in it and returns the folder of results.
func boot(t *testing.T) string {
	t.Helper()
	work := t.TempDir()
	out := filepath.Join(work, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	build(t, "build", filepath.Join(work, "clearanced"), "./agent/clearanced")
	build(t, "test", filepath.Join(work, "detect.test"), "-c", "./platform/findmy/detect")
	inside, err := os.ReadFile(filepath.Join("testdata", "inside.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(work, "inside.sh"), inside, 0o755); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), bootTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--propagation", "private", "--",
		"bash", filepath.Join("testdata", "boot.sh"), work)
	// A group of its own, ended as a whole: nspawn ends its container with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var console bytes.Buffer
	cmd.Stdout, cmd.Stderr = &console, &console
	err = cmd.Run()
	if _, finished := os.Stat(filepath.Join(out, "finished")); finished != nil {
		if steps, _ := filepath.Glob(filepath.Join(out, "*.rc")); len(steps) == 0 && ctx.Err() == nil {
			skip(t, "the container does not boot here: "+console.String())
		}
		t.Fatalf("the boot did not get to its end: %v\n%s", err, console.String())
	}
	return out
}

// build builds a program for the container, which is this machine's own system.
func build(t *testing.T, verb, to string, what ...string) {
	t.Helper()
	noteSources(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append([]string{verb, "-o", to}, what...)...)
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build %v: %v\n%s", what, err, out)
	}
}

// noteSources lists the folders that the program is built from. Go's test cache
// notes what a test opens: without this it would give yesterday's result for
// today's program.
func noteSources(t *testing.T) {
	t.Helper()
	for _, room := range []string{"agent", "backup", "ipc", "platform"} {
		err := filepath.WalkDir(filepath.Join("..", "..", room), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			t.Fatal(err)
		}
	}
}
