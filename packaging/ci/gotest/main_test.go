package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const said = `go: downloading example.org/x v1.0.0
{"Action":"build-output","ImportPath":"broken","Output":"broken.go:1: undefined: x\n"}
{"Action":"start","Package":"good"}
{"Action":"run","Package":"good","Test":"TestA"}
{"Action":"output","Package":"good","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"good","Test":"TestA","Output":"noise\n"}
{"Action":"pass","Package":"good","Test":"TestA"}
{"Action":"output","Package":"good","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"good","Test":"TestB","Output":"    b_test.go:7: \n"}
{"Action":"output","Package":"good","Test":"TestB","Output":"        it needs root\n"}
{"Action":"output","Package":"good","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"good","Test":"TestB"}
{"Action":"output","Package":"good","Output":"PASS\n"}
{"Action":"output","Package":"good","Output":"ok  \tgood\t0.1s\n"}
{"Action":"pass","Package":"good"}
{"Action":"output","Package":"bad","Test":"TestC","Output":"=== RUN   TestC\n"}
{"Action":"output","Package":"bad","Test":"TestC","Output":"    c_test.go:9: wrong\n"}
{"Action":"output","Package":"bad","Test":"TestC","Output":"--- FAIL: TestC (0.00s)\n"}
{"Action":"fail","Package":"bad","Test":"TestC"}
{"Action":"output","Package":"bad","Test":"TestD","Output":"panic: test timed out\n"}
{"Action":"output","Package":"bad","Output":"FAIL\tbad\t0.1s\n"}
{"Action":"fail","Package":"bad"}
{"Action":"skip","Package":"none"}
`

const want = `go: downloading example.org/x v1.0.0
broken.go:1: undefined: x
ok  	good	0.1s
    c_test.go:9: wrong
--- FAIL: TestC (0.00s)
FAIL	bad	0.1s
TestD did not end:
panic: test timed out

############ NOT TESTED on this machine: 1 ############
  good TestB: b_test.go:7: it needs root
`

func TestReport(t *testing.T) {
	var out strings.Builder
	r := &report{out: &out, running: map[testID][]string{}}
	if err := r.read(strings.NewReader(said)); err != nil {
		t.Fatal(err)
	}
	r.end()
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
