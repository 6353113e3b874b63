package disk

import (
	"runtime"
	"testing"
)

func TestTurnsAreGivenBack(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	was := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(was)
	runtime.SetDefaultGOMAXPROCS()
	usual := runtime.GOMAXPROCS(0)
	now := func(want int, when string) {
		t.Helper()
		if got := runtime.GOMAXPROCS(0); got != want {
			t.Errorf("%s: %d threads, not %d", when, got, want)
		}
	}
	first, second := Waits(), Waits()
	now(turnsPerProcessor*usual, "two runs")
	first()
	first()
	now(turnsPerProcessor*usual, "one of them ended")
	second()
	now(usual, "both ended")
	end := Waits()
	runtime.GOMAXPROCS(3 * usual)
	end()
	now(3*usual, "somebody chose a number meanwhile")
	end = Waits()
	now(3*usual, "somebody chose a number before")
	end()
	now(3*usual, "and keeps it")
	runtime.SetDefaultGOMAXPROCS()
	t.Setenv("GOMAXPROCS", "1")
	end = Waits()
	now(usual, "somebody chose a number by the environment")
	end()
}
