package sessiontest

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) { Main(m) }

func TestRedirect(t *testing.T) {
	args := []string{
		"-test.testlogfile=/root/log", "-test.v=true", "-test.outputdir=/root/work",
		"-test.coverprofile=c.out", "-test.cpuprofile", "/root/cpu", "-test.gocoverdir=/root/cov",
		"-test.run", "X", "--", "-update",
	}
	kept, outputs := redirect(args, "/tmp/d")
	want := []string{
		"-test.v=true", "-test.coverprofile=/tmp/d/out0", "-test.cpuprofile=/tmp/d/out1",
		"-test.gocoverdir=/tmp/d/out2", "-test.run", "X", "--", "-update",
	}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	wantOut := []output{
		{wrote: "/tmp/d/out0", wanted: "/root/work/c.out"},
		{wrote: "/tmp/d/out1", wanted: "/root/cpu"},
		{wrote: "/tmp/d/out2", wanted: "/root/cov", folder: true},
	}
	if diff := cmp.Diff(wantOut, outputs, cmp.AllowUnexported(output{})); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
}

func TestFuzzing(t *testing.T) {
	for args, want := range map[string]bool{
		"x -test.fuzz=FuzzX": true, "x -test.fuzzworker -test.v": true,
		"x -test.fuzz= -test.fuzzcachedir=/c": false, "x -test.run=FuzzX": false, "x": false,
	} {
		if got := fuzzing(strings.Fields(args)); got != want {
			t.Errorf("fuzzing(%q) = %v, want %v", args, got, want)
		}
	}
}

func TestMainLeavesNoRoadToTheCallersSession(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Error("the tests run as root")
	}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case strings.HasPrefix(name, "DBUS_"):
			if !strings.HasPrefix(value, "unix:path="+os.Getenv("HOME")) {
				t.Errorf("%s=%s", name, value)
			}
		case leadsOut(name):
			t.Errorf("%s is set", name)
		}
	}
	if entries, err := os.ReadDir(os.Getenv("HOME")); err != nil || len(entries) != 0 {
		t.Errorf("the tests' home holds %v, %v; want an empty folder", entries, err)
	}
}
