package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func measured(t *testing.T, program ...string) (c cost, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cost.json")
	if err := run(file, program); err != nil {
		return c, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return c, json.Unmarshal(text, &c)
}

// TestCost: the time is that of the program, the CPU and memory those of its
// children too.
func TestCost(t *testing.T) {
	c, err := measured(t, "sh", "-c", "sleep 0.2; head -c 300000000 /dev/zero | sha256sum")
	if err != nil {
		t.Fatal(err)
	}
	if c.Wall < 200*time.Millisecond || c.User+c.System < 50*time.Millisecond || c.PeakKB < 500 {
		t.Errorf("%+v", c)
	}
}

func TestFailureIsTheProgramsOwn(t *testing.T) {
	_, err := measured(t, "sh", "-c", "exit 7")
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != 7 {
		t.Errorf("%v", err)
	}
}
