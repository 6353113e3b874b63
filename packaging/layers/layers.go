// Package layers holds the import rule of this project as code, and its test
// fails where the rule is broken.
//
// It may import the standard library alone, and only its own test imports it.
//
// The rule: agent and backup import nothing of ours; platform imports agent and
// backup; ipc imports agent; only the mains and packaging import across, and
// nothing imports packaging. The core (agent, without its main) does no I/O.
// SQLite is imported by two packages, and the worker does not link what decides
// and signs.
package layers

import (
	"fmt"
	"slices"
	"strings"
)

// Package is what the rule needs of `go list -json`.
type Package struct {
	ImportPath   string
	Name         string
	Doc          string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
	// Lines are the lines of its Go files without tests; go list does not say
	// them, whoever lists the packages adds them.
	Lines int
}

// maxMain is the length of a main in lines, all its files together: a main is
// wiring.
const maxMain = 400

const sqlite = "github.com/mattn/go-sqlite3"

// rooms are the folders of the project and, for each, those that it may import.
var rooms = map[string][]string{
	"agent":     {"agent"},
	"backup":    {"backup"},
	"platform":  {"platform", "agent", "backup"},
	"ipc":       {"ipc", "agent"},
	"packaging": {"packaging", "platform", "ipc", "agent", "backup"},
}

// top is what may lie at the root of the repository besides the rooms and
// dotfiles.
var top = []string{"go.mod", "go.sum", "README.md", "LICENSE", "Makefile", "CHANGELOG.md", "bin", "dist"}

// inputOutput are the packages that the core may not import, with those below
// them. Embedding and io/fs are data, not I/O.
var inputOutput = []string{"os", "net", "syscall", "io/ioutil", "database/sql", "plugin", "golang.org/x/sys", "github.com/godbus"}

// parsers lie below net and only parse.
var parsers = []string{"net/url", "net/netip", "net/mail"}

// Check returns one line for each breach in pkgs, the packages of the module.
func Check(module string, pkgs []Package) []string {
	c := checker{module: module, mains: map[string]bool{}}
	for _, p := range pkgs {
		c.mains[p.ImportPath] = p.Name == "main"
	}
	for _, p := range pkgs {
		c.check(p)
	}
	slices.Sort(c.breaches)
	return slices.Compact(c.breaches)
}

// CheckTop returns one line for each name at the root that does not belong.
func CheckTop(names []string) []string {
	var breaches []string
	for _, name := range names {
		_, room := rooms[name]
		if !room && !strings.HasPrefix(name, ".") && !slices.Contains(top, name) {
			breaches = append(breaches, name+" does not belong at the top of the repository")
		}
	}
	return breaches
}

type checker struct {
	module   string
	mains    map[string]bool
	breaches []string
}

func (c *checker) breach(format string, args ...any) {
	c.breaches = append(c.breaches, fmt.Sprintf(format, args...))
}

// inside returns a path of ours without the module, and whether it is ours.
func (c *checker) inside(importPath string) (string, bool) {
	return strings.CutPrefix(importPath, c.module+"/")
}

func (c *checker) check(p Package) {
	name, ok := c.inside(p.ImportPath)
	if !ok {
		c.breach("%s lies outside the rooms", p.ImportPath)
		return
	}
	room, _, _ := strings.Cut(name, "/")
	if _, ok := rooms[room]; !ok {
		c.breach("%s lies in no room", name)
		return
	}
	if p.Doc == "" && p.Lines > 0 {
		c.breach("%s has no package comment", name)
	}
	imports := slices.Concat(p.Imports, p.TestImports, p.XTestImports)
	for _, path := range imports {
		c.checkImport(p, name, room, path)
	}
	c.checkCore(p, name, room)
	c.checkMain(p, name, room)
	c.checkWorker(p, name)
}

func (c *checker) checkImport(p Package, name, room, path string) {
	target, ours := c.inside(path)
	if !ours {
		return
	}
	to, _, _ := strings.Cut(target, "/")
	across := p.Name == "main"
	switch {
	case to == "packaging" && room != "packaging":
		c.breach("%s imports %s: nothing imports packaging", name, target)
	case c.mains[path] && path != p.ImportPath:
		c.breach("%s imports the main %s", name, target)
	case !across && !slices.Contains(rooms[room], to):
		c.breach("%s imports %s: %s imports only %s", name, target, room, strings.Join(rooms[room], ", "))
	}
}

// checkCore holds the core to doing no I/O, and SQLite to its two packages. Its
// tests may do what they like.
func (c *checker) checkCore(p Package, name, room string) {
	core := room == "agent" && name != "agent/clearanced" && !strings.HasPrefix(name, "agent/clearanced/")
	for _, path := range p.Imports {
		if core && doesIO(path) {
			c.breach("%s imports %s: the core does no I/O", name, path)
		}
		if path == sqlite && name != "platform/store" && name != "platform/sqliteread" {
			c.breach("%s imports %s: only platform/store and platform/sqliteread do", name, path)
		}
	}
}

func doesIO(path string) bool {
	if slices.Contains(parsers, path) {
		return false
	}
	return slices.ContainsFunc(inputOutput, func(io string) bool {
		return path == io || strings.HasPrefix(path, io+"/")
	})
}

func (c *checker) checkMain(p Package, name, room string) {
	if p.Name == "main" && room != "packaging" && p.Lines > maxMain {
		c.breach("%s has %d lines: a main is wiring, at most %d", name, p.Lines, maxMain)
	}
}

// checkWorker keeps what decides and signs out of the process that runs as the
// user and opens files.
func (c *checker) checkWorker(p Package, name string) {
	if name != "platform/clearance-worker" {
		return
	}
	for _, path := range p.Deps {
		target, _ := c.inside(path)
		if target == "platform/store" || target == "platform/keys" || target == "agent/gate" {
			c.breach("%s links %s", name, target)
		}
	}
}
