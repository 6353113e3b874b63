package copy

import (
	"runtime/debug"
	"testing"
)

func TestCollectorIsLeftAsItWas(t *testing.T) {
	was := debug.SetGCPercent(100)
	defer debug.SetGCPercent(was)
	now := func() int {
		n := debug.SetGCPercent(100)
		debug.SetGCPercent(n)
		return n
	}
	first, second := collectOften(), collectOften()
	if now() != oftenPercent {
		t.Error(now())
	}
	first()
	first()
	if now() != oftenPercent {
		t.Error("another run still wants it: ", now())
	}
	second()
	if now() != 100 {
		t.Error(now())
	}
	debug.SetGCPercent(10)
	end := collectOften()
	if now() != 10 {
		t.Error("somebody asked for less: ", now())
	}
	end()
	if now() != 10 {
		t.Error(now())
	}
}
