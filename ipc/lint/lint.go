package lint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/clearance-project/clearance/agent/provider"
)

// maxFile is above what the agent reads of a profile, so that it is the agent's
// own limit that a file meets; maxFiles bounds a folder.
const (
	maxFile  = 1 << 20 // bytes
	maxFiles = 1000
)

// Fault is one thing that is wrong with a file.
type Fault struct {
	Field string `json:"field,omitempty"` // "facts[0].source"; empty: the whole file
	Text  string `json:"text"`
	Do    string `json:"do"` // what to do about it
}

// File is what was found of one file.
type File struct {
	Name   string  `json:"name"`
	Faults []Fault `json:"faults"`

	profile provider.Profile
}

// Files checks files, and of each folder the *.json in it, one by one and
// together. The error is for what cannot be read at all.
func Files(paths ...string) ([]File, error) {
	names, err := expand(paths)
	if err != nil {
		return nil, err
	}
	files := make([]File, 0, len(names))
	var sound []int
	for _, name := range names {
		raw, err := read(name)
		if err != nil {
			return nil, err
		}
		f := check(name, raw)
		if len(f.Faults) == 0 {
			sound = append(sound, len(files))
		}
		files = append(files, f)
	}
	together(files, sound)
	return files, nil
}

// expand lists the files that are meant, in order and each once.
func expand(paths []string) ([]string, error) {
	var names []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", p, reason(err))
		}
		if !info.IsDir() {
			names = append(names, p)
			continue
		}
		inside, err := os.ReadDir(p)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", p, reason(err))
		}
		for _, e := range inside {
			if strings.HasSuffix(e.Name(), ".json") {
				names = append(names, filepath.Join(p, e.Name()))
			}
		}
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("cannot check %d files at once, at most %d", len(names), maxFiles)
	}
	var once []string
	for _, n := range names {
		if !slices.Contains(once, n) {
			once = append(once, n)
		}
	}
	return once, nil
}

// reason is an error of the system without the path that it repeats.
func reason(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}

func read(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read %s: it is not a file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, reason(err))
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, reason(err))
	}
	return raw, nil
}

// check holds one file against the schema, and where that has nothing to say
// against the agent's own reading.
func check(name string, raw []byte) File {
	f := File{Name: name, Faults: []Fault{}}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		f.Faults = append(f.Faults, Fault{Text: "is not JSON: " + err.Error(), Do: "correct it there"})
		return f
	}
	if invalid, ok := errors.AsType[*jsonschema.ValidationError](schema().Validate(value)); ok {
		f.Faults = faultsOf(invalid)
	}
	if len(f.Faults) > 0 {
		return f
	}
	p, err := provider.Check(filepath.Base(name), raw)
	if err != nil {
		f.Faults = split(err)
	}
	f.profile = p
	return f
}

// together adds what only several files show: all that are sound, else those
// that do not go with the built-in ones alone.
func together(files []File, sound []int) {
	var all []provider.Profile
	for _, i := range sound {
		all = append(all, files[i].profile)
	}
	err := provider.Together(all...)
	if err == nil {
		return
	}
	blamed := false
	for _, i := range sound {
		if alone := provider.Together(files[i].profile); alone != nil {
			files[i].Faults = append(files[i].Faults, Fault{Text: alone.Error(), Do: "take it out of one of them, or give both files"})
			blamed = true
		}
	}
	if !blamed {
		last := sound[len(sound)-1]
		files[last].Faults = append(files[last].Faults, Fault{Text: err.Error(), Do: "take it out of one of them"})
	}
}

// schema is the compiled schema of a profile.
var schema = sync.OnceValue(func() *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(provider.Schema()))
	if err != nil {
		panic("lint: the embedded schema is no JSON: " + err.Error()) // a test compiles it
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(provider.SchemaID, doc); err != nil {
		panic("lint: the embedded schema cannot be added: " + err.Error())
	}
	return c.MustCompile(provider.SchemaID)
})
