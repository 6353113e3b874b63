package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if child() {
		return
	}
	os.Exit(m.Run())
}

// conductFor is a bounded part of a campaign.
func conductFor(t *testing.T, name string, cycles int, bin string) {
	t.Helper()
	for _, c := range campaigns {
		if c.name != name {
			continue
		}
		r, err := conduct(t.Context(), c, 1, cycles, bin)
		if errors.Is(err, errNoLoop) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if r.Broken > 0 || r.Cycles == 0 {
			t.Error(r.line())
		}
		t.Log(r.line())
		return
	}
	t.Fatalf("there is no campaign %s", name)
}

func TestCalls(t *testing.T)  { conductFor(t, "calls", 16, "") }
func TestKill(t *testing.T)   { conductFor(t, "kill", 12, "") }
func TestPower(t *testing.T)  { conductFor(t, "power", 8, "") }
func TestDamage(t *testing.T) { conductFor(t, "damage", 100, "") }

// TestADiskThatSomebodyElseStillHas: another mount namespace keeps the file system
// that the power cut has ended.
func TestADiskThatSomebodyElseStillHas(t *testing.T) {
	m, err := newImage(t.TempDir(), 32<<20)
	if errors.Is(err, errNoLoop) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.unmount(); err != nil {
			t.Error(err)
		}
	}()
	holder := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", "echo there; exec sleep 60")
	said, err := holder.StdoutPipe()
	if err == nil {
		err = holder.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Process.Kill(); _ = holder.Wait() }() // killed is how it ends
	if _, err := said.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if err := powerCut(m.at); err != nil {
		t.Fatal(err)
	}
	if err := m.remount(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.at, "lock"), nil, 0o600); err != nil {
		t.Error(err)
	}
}

func TestStrace(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed: packaging/ci/deps.sh test installs it")
	}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./agent/clearanced", "./packaging/stage/relay")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	conductFor(t, "strace", 3, bin)
}

// The judge of a campaign sees a copy that lost something.
func TestLossIsSeen(t *testing.T) {
	dir := t.TempDir()
	h, err := newHome(filepath.Join(dir, "Pictures"), filepath.Join(dir, "state"), filepath.Join(dir, "disk"))
	if err != nil {
		t.Fatal(err)
	}
	k := newCourse(dir, 1, 0, "")
	if err := errors.Join(h.add(k.rng, 10, 0), h.completes(t.Context()), h.add(k.rng, 5, 0)); err != nil {
		t.Fatal(err)
	}
	before, err := h.missing()
	if err != nil || len(before) != 5 {
		t.Fatalf("%d missing, %v", len(before), err)
	}
	if err := h.survived(t.Context(), before, 0); err != nil {
		t.Fatal(err)
	}
	if err := h.survived(t.Context(), before, 1); err == nil {
		t.Error("an acknowledged item that the copy lacks was not missed")
	}
	gone, err := filepath.Glob(filepath.Join(h.bag(), "data/photos/Pictures/0001/IMG_00001.jpg"))
	if err != nil || len(gone) != 1 {
		t.Fatal(gone, err)
	}
	if err := os.Remove(gone[0]); err != nil {
		t.Fatal(err)
	}
	if err := h.survived(t.Context(), before, 0); err == nil {
		t.Error("a file that is gone was not missed")
	}
}

func TestReportKeepsOtherCampaigns(t *testing.T) {
	dir := t.TempDir()
	for _, rs := range [][]result{
		{{Name: "power", What: "cuts", Cycles: 200}, {Name: "damage", What: "harm", Cycles: 10_000, Took: time.Minute}},
		{{Name: "power", What: "cuts", Cycles: 7, Broken: 1, Firsts: []string{"a -- b"}}},
	} {
		if err := record(dir, rs); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "RELIABILITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| power | 7 | 1 |", "| damage | 10,000 | 0 |", "a -- b"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "| 200 |") || strings.Index(string(text), "| power") > strings.Index(string(text), "| damage") {
		t.Errorf("%s", text)
	}
}
