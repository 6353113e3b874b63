package sqliteread

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// made opens a snapshot of a database that statements make.
func made(t *testing.T, stmts ...string) *Snapshot {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	exec(t, owner(t, path, ""), stmts...)
	s, err := Open(t.Context(), path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestRows: what is stored in each column, whatever version made the table.
func TestRows(t *testing.T) {
	s := made(t, "CREATE TABLE t (a, b, c)", "INSERT INTO t VALUES ('x', 7, NULL), (x'79', 1.5, 9e999)", "CREATE VIEW v AS SELECT a FROM t")
	read := func(columns []string) (all []Values) {
		err := s.Rows(t.Context(), "t", columns, func(v Values) error { all = append(all, v); return nil })
		if err != nil {
			t.Error(err)
		}
		return all
	}
	if diff := cmp.Diff([]Values{{"a": "x", "b": int64(7)}, {"a": "y", "b": 1.5}}, read(nil)); diff != "" {
		t.Error(diff)
	}
	got := read([]string{"newer", "a", "c"})
	if diff := cmp.Diff([]Values{{"a": "x"}, {"a": "y"}}, got); diff != "" {
		t.Error(diff)
	}
	if v := (Values{"a": "x", "b": int64(7), "c": 1.5}); v.Text("a") != "x" || v.Int("b") != 7 || v.Text("b")+v.Text("c")+v.Text("d") != "" || v.Int("a")+v.Int("c")+v.Int("d") != 0 {
		t.Error("a value of another type")
	}
	stop := errors.New("stop")
	if err := s.Rows(t.Context(), "t", nil, func(Values) error { return stop }); !errors.Is(err, stop) || !errors.Is(IfThere(err), stop) {
		t.Error(err)
	}
	for _, table := range []string{"none", "v"} {
		if err := s.Rows(t.Context(), table, nil, func(Values) error { return stop }); !errors.Is(err, ErrNoTable) || IfThere(err) != nil {
			t.Errorf("%s: %v", table, err)
		}
	}
}

// TestScan: a value of another type is an error, and so is a column too many.
func TestScan(t *testing.T) {
	s := made(t, "CREATE TABLE t (a, b)", "INSERT INTO t VALUES ('x', 7)")
	var text string
	var n int64
	for _, c := range []struct {
		to  []any
		bad bool
	}{
		{[]any{&text}, false}, {[]any{&n}, true}, {[]any{&text, &text}, true}, {[]any{&text, &n, &n}, true}, {[]any{text}, true}, {[]any{&text, &n}, false},
	} {
		err := s.Read(t.Context(), "t", []string{"a", "b"}, func(r Row) error { return r.Scan(c.to...) })
		if errors.Is(err, ErrType) != c.bad || (err != nil) != c.bad {
			t.Errorf("%v: %v", fmt.Sprintf("%T", c.to), err)
		}
	}
	if text != "x" || n != 7 {
		t.Error(text, n)
	}
}
