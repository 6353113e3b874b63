package layers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const module = "github.com/clearance-project/clearance"

// root is the repository, seen from this package.
const root = "../.."

// listed is one package as go list prints it.
type listed struct {
	Package
	Dir      string
	GoFiles  []string
	CgoFiles []string
}

// goRun runs the go command at the root and returns what it printed.
func goRun(t *testing.T, env []string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cannot run go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// packages lists the module's own packages.
func packages(t *testing.T) []Package {
	t.Helper()
	out := goRun(t, nil, "list", "-json=ImportPath,Name,Doc,Imports,TestImports,XTestImports,Deps,Dir,GoFiles,CgoFiles", "./...")
	dec := json.NewDecoder(bytes.NewReader(out))
	var pkgs []Package
	for {
		var l listed
		err := dec.Decode(&l)
		if errors.Is(err, io.EOF) {
			return pkgs
		}
		if err != nil {
			t.Fatal(err)
		}
		l.Lines = lines(t, l.Dir, slices.Concat(l.GoFiles, l.CgoFiles))
		pkgs = append(pkgs, l.Package)
	}
}

func lines(t *testing.T, dir string, files []string) int {
	t.Helper()
	n := 0
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		n += bytes.Count(raw, []byte("\n"))
	}
	return n
}

// TestLayers holds the module to the rule.
func TestLayers(t *testing.T) {
	pkgs := packages(t)
	for _, room := range []string{"agent", "packaging"} {
		if !slices.ContainsFunc(pkgs, func(p Package) bool { return strings.HasPrefix(p.ImportPath, module+"/"+room) }) {
			t.Fatalf("go list found nothing in %s: the test looks at the wrong place", room)
		}
	}
	for _, b := range Check(module, pkgs) {
		t.Error(b)
	}
}

// TestTop holds the root of the repository to its fixed names.
func TestTop(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Contains(names, "go.mod") {
		t.Fatalf("%s is not the root", root)
	}
	for _, b := range CheckTop(names) {
		t.Error(b)
	}
}

// TestCommandLineWithoutCgo builds the command line the way it is shipped. That
// it links no SQLite follows from the rule on imports.
func TestCommandLineWithoutCgo(t *testing.T) {
	goRun(t, []string{"CGO_ENABLED=0"}, "build", "-o", os.DevNull, "./ipc/clearance")
}

// TestCheckFinds breaks the rule in every way and wants each breach found: a
// checker that finds nothing would pass everything else here.
func TestCheckFinds(t *testing.T) {
	pkg := func(name string, imports ...string) Package {
		p := Package{ImportPath: module + "/" + name, Name: "x", Doc: "Package x.", Lines: 10}
		p.Imports = imports
		return p
	}
	ours := func(name string) string { return module + "/" + name }
	main := func(p Package, lines int) Package {
		p.Name, p.Lines = "main", lines
		return p
	}
	linking := func(p Package, deps ...string) Package {
		p.Deps = deps
		return p
	}
	for name, tc := range map[string]struct {
		pkgs []Package
		want string
	}{
		"agent imports platform":   {[]Package{pkg("agent/engine", ours("platform/store"))}, "agent/engine imports platform/store"},
		"agent imports backup":     {[]Package{pkg("agent", ours("backup/bag"))}, "agent imports backup/bag"},
		"backup imports agent":     {[]Package{pkg("backup/bag", ours("agent/departure"))}, "backup/bag imports agent/departure"},
		"platform imports ipc":     {[]Package{pkg("platform/tasks", ours("ipc/api"))}, "platform/tasks imports ipc/api"},
		"ipc imports platform":     {[]Package{pkg("ipc/httpd", ours("platform/bus"))}, "ipc/httpd imports platform/bus"},
		"ipc imports backup":       {[]Package{pkg("ipc/api", ours("backup/bag"))}, "ipc/api imports backup/bag"},
		"main imports packaging":   {[]Package{main(pkg("agent/clearanced", ours("packaging/demo")), 10)}, "nothing imports packaging"},
		"a main is imported":       {[]Package{main(pkg("platform/devicesim"), 10), pkg("platform/findmy", ours("platform/devicesim"))}, "imports the main platform/devicesim"},
		"core opens files":         {[]Package{pkg("agent/gate", "os")}, "agent/gate imports os: the core does no I/O"},
		"core dials":               {[]Package{pkg("agent/engine", "net/http")}, "imports net/http: the core does no I/O"},
		"core calls the kernel":    {[]Package{pkg("agent/policy", "golang.org/x/sys/unix")}, "imports golang.org/x/sys/unix"},
		"core runs programs":       {[]Package{pkg("agent/departure", "os/exec")}, "imports os/exec"},
		"sqlite elsewhere":         {[]Package{pkg("platform/eds", sqlite)}, "only platform/store and platform/sqliteread do"},
		"worker links the store":   {[]Package{linking(main(pkg("platform/clearance-worker"), 10), ours("platform/store"))}, "links platform/store"},
		"worker links the keys":    {[]Package{linking(main(pkg("platform/clearance-worker"), 10), ours("platform/keys"))}, "links platform/keys"},
		"worker links the gate":    {[]Package{linking(main(pkg("platform/clearance-worker"), 10), ours("agent/gate"))}, "links agent/gate"},
		"a long main":              {[]Package{main(pkg("agent/clearanced"), maxMain+1)}, "has 401 lines"},
		"no package comment":       {[]Package{{ImportPath: ours("backup/bag"), Name: "bag", Lines: 1}}, "has no package comment"},
		"a new room":               {[]Package{pkg("internal/util")}, "lies in no room"},
		"a test imports across":    {[]Package{{ImportPath: ours("agent/gate"), Name: "gate", Doc: "d", XTestImports: []string{ours("platform/store")}}}, "agent/gate imports platform/store"},
		"an inner test does":       {[]Package{{ImportPath: ours("agent/gate"), Name: "gate", Doc: "d", TestImports: []string{ours("platform/store")}}}, "agent/gate imports platform/store"},
		"packaging imports a main": {[]Package{main(pkg("ipc/clearance"), 1), pkg("packaging/demo", ours("ipc/clearance"))}, "imports the main ipc/clearance"},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(Check(module, tc.pkgs), "\n")
			if !strings.Contains(got, tc.want) {
				t.Errorf("breaches %q, want %q", got, tc.want)
			}
		})
	}
}

// TestCheckAllows shows that the checker does not refuse what is meant.
func TestCheckAllows(t *testing.T) {
	ours := func(name string) string { return module + "/" + name }
	doc := "Package x."
	pkgs := []Package{
		{ImportPath: ours("agent"), Name: "agent", Doc: doc, Imports: []string{ours("agent/engine"), "io/fs", "embed", "time"}},
		{ImportPath: ours("agent/engine"), Name: "engine", Doc: doc, TestImports: []string{"os"}},
		{ImportPath: ours("agent/clearanced"), Name: "main", Doc: doc, Lines: maxMain, Imports: []string{ours("platform/store"), ours("ipc/httpd"), ours("agent/clearanced/unit"), "os"}},
		{ImportPath: ours("agent/clearanced/unit"), Name: "unit", Doc: doc, Imports: []string{"os"}},
		{ImportPath: ours("platform/store"), Name: "store", Doc: doc, Imports: []string{sqlite, ours("agent/engine"), ours("backup/bag")}},
		{ImportPath: ours("platform/clearance-worker"), Name: "main", Doc: doc, Imports: []string{ours("ipc/workerlink")}, Deps: []string{ours("platform/tasks")}},
		{ImportPath: ours("ipc/httpd"), Name: "httpd", Doc: doc, Imports: []string{ours("agent"), ours("ipc/api")}},
		{ImportPath: ours("packaging/demo"), Name: "main", Doc: doc, Lines: 900, Imports: []string{ours("platform/store"), ours("ipc/client"), ours("backup/bag")}},
	}
	for _, b := range Check(module, pkgs) {
		t.Error(b)
	}
}

func TestCheckTop(t *testing.T) {
	if got := CheckTop([]string{"agent", ".ci", "go.mod", "Makefile"}); len(got) != 0 {
		t.Errorf("refused %v", got)
	}
	if got := CheckTop([]string{"internal", "notes.txt"}); len(got) != 2 {
		t.Errorf("breaches %v, want two", got)
	}
}
