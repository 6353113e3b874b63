package watch

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTree adds, takes away and counts folders in any order: what lies beneath a
// folder is what its path says.
func TestTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := newTree()
		one, two := &tracked{}, &tracked{}
		paths := rapid.Custom(func(t *rapid.T) string {
			return "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 4).Draw(t, "names"), "/")
		})
		shared := []*tracked{one}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			path := paths.Draw(t, "path")
			n := tree.byPath[path]
			switch {
			case n == nil:
				n = tree.insert(path, fileID{ino: uint64(i + 1)})
				n.own(shared)
				for _, other := range tree.byPath {
					tree.adopt(other)
				}
			case rapid.Bool().Draw(t, "own"):
				n.own([]*tracked{two})
			default:
				tree.delete(n)
			}
			check(t, tree, one, two)
		}
	})
}

func check(t *rapid.T, tree tree, one, two *tracked) {
	t.Helper()
	owned := map[*tracked]int{}
	for path, n := range tree.byPath {
		var got []string
		for _, b := range tree.below(n) {
			got = append(got, b.path)
		}
		slices.Sort(got)
		if want := linked(tree, path); !slices.Equal(got, want) {
			t.Fatalf("beneath %s are %q, want %q", path, got, want)
		}
		for _, o := range n.owners {
			owned[o]++
		}
	}
	if one.folders != owned[one] || two.folders != owned[two] || owned[one] != len(tree.byPath) {
		t.Fatalf("%d and %d folders are counted, %d and %d of %d owned", one.folders, two.folders, owned[one], owned[two], len(tree.byPath))
	}
}

// linked are a path and all paths beneath it to which every folder in between is
// there.
func linked(tree tree, path string) []string {
	var all []string
	for p := range tree.byPath {
		for up := p; tree.byPath[up] != nil; up = filepath.Dir(up) {
			if up == path {
				all = append(all, p)
				break
			}
		}
	}
	slices.Sort(all)
	return all
}
