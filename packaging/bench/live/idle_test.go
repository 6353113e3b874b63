package live

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSpent: a process that works has used CPU, and one that waits gave it up.
func TestSpent(t *testing.T) {
	before, err := spent(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	after := before
	for after.cpu-before.cpu < 50*time.Millisecond || after.switches == before.switches {
		if time.Now().After(deadline) {
			t.Fatalf("%+v, and before %+v", after, before)
		}
		if err := pause(t.Context(), time.Microsecond); err != nil {
			t.Fatal(err)
		}
		if after, err = spent(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := spent(1 << 30); err == nil {
		t.Error("a process that is not there was read")
	}
}

// TestAppears: a photo counts as placed when it is there, and a wait for one
// that never comes ends.
func TestAppears(t *testing.T) {
	at := filepath.Join(t.TempDir(), "bag", "IMG.jpg")
	began := time.Now()
	done := make(chan time.Time, 1)
	go func() { done <- appears(t.Context(), filepath.Join(filepath.Dir(filepath.Dir(at)), "*", "IMG.jpg")) }()
	if err := os.Mkdir(filepath.Dir(at), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if when := <-done; when.Before(began) {
		t.Errorf("it was there %v before it was made", began.Sub(when))
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	appears(ctx, filepath.Join(t.TempDir(), "never"))
}
