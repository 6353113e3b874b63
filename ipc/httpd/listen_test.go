package httpd

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestListenModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clearance", "agent.sock")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, want := range map[string]os.FileMode{filepath.Dir(path): 0o700, path: 0o600} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", filepath.Base(name), info.Mode(), err)
		}
	}
}

func TestASecondAgentIsRefusedWhileTheFirstLives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clearance", "agent.sock")
	first, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); !errors.Is(err, ErrAlreadyServed) {
		t.Errorf("the second: %v", err)
	}
	if conn, err := net.Dial("unix", path); err != nil {
		t.Errorf("the first was disturbed: %v", err)
	} else if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Listen(path)
	if err != nil {
		t.Fatalf("after the first ended: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestTheSocketOfADeadAgentIsTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clearance", "agent.sock")
	first, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	first.SetUnlinkOnClose(false) // as after kill -9
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Fatal("no stale socket to take over")
	}
	second, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoSocketIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clearance", "agent.sock")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("a letter"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil {
		t.Error("it was replaced")
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "a letter" {
		t.Errorf("%q, %v", content, err)
	}
}

func TestAFolderThatIsALinkIsRefused(t *testing.T) {
	base := t.TempDir()
	if err := os.Symlink(t.TempDir(), filepath.Join(base, "clearance")); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(filepath.Join(base, "clearance", "agent.sock")); err == nil {
		t.Error("it listens through a link")
	}
}
