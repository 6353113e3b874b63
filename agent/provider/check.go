package provider

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"
)

// Check reads one file of a catalogue by its name and refuses what is not a
// profile: the error joins every fault, each with the field where it is. Whether
// the file goes with the others is for [Together] to say.
func Check(name string, raw []byte) (Profile, error) {
	if len(raw) > MaxFile {
		return Profile{}, fmt.Errorf("more than %d bytes", MaxFile)
	}
	p, err := parse(raw)
	if err != nil {
		return Profile{}, err
	}
	if want := strings.TrimSuffix(path.Base(name), ".json"); p.ID != want {
		return Profile{}, fmt.Errorf("id is %q, want the file's name %q", p.ID, want)
	}
	return p, nil
}

// Together says whether profiles go with each other and with the built-in ones
// that they do not replace. It is nil where they do.
func Together(ps ...Profile) error {
	byID, err := builtin()
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, p := range ps {
		if seen[p.ID] {
			return fmt.Errorf("%s: two files are about it", p.ID)
		}
		seen[p.ID] = true
		byID[p.ID] = p
	}
	return checkTogether(byID)
}

// Override is one file of the folder with which whoever runs a device adds to
// the catalogue, or why it cannot be believed.
type Override struct {
	Name string // of the file; empty: the folder itself
	Raw  []byte
	Err  error
}

// LoadWith is the built-in catalogue with overrides laid over it. An override
// that cannot be used changes nothing: the built-in profile stays, and Broken
// says why that provider's accounts must not be left anew. The error is for the
// built-in catalogue alone.
func LoadWith(overrides []Override) (*Catalogue, error) {
	byID, err := builtin()
	if err != nil {
		return nil, err
	}
	c := &Catalogue{broken: map[string]string{}, replaced: map[string]bool{}}
	good := map[string]Profile{}
	for i, o := range overrides {
		id := strings.TrimSuffix(o.Name, ".json")
		p, err := Profile{}, o.Err
		if err == nil {
			p, err = Check(o.Name, o.Raw)
		}
		if err == nil && i >= MaxFiles {
			err = fmt.Errorf("there are more than %d files", MaxFiles)
		}
		if err != nil {
			c.broken[id] = oneLine(err)
			continue
		}
		good[id] = p
	}
	c.lay(byID, good)
	c.set(byID)
	return c, nil
}

// lay puts the good overrides over byID: all of them where they go together,
// else those that do go, and the others are broken.
func (c *Catalogue) lay(byID, good map[string]Profile) {
	all := maps.Clone(byID)
	maps.Copy(all, good)
	if checkTogether(all) == nil {
		maps.Copy(byID, good)
		for id := range good {
			c.replaced[id] = true
		}
		return
	}
	for again := true; again; {
		again = false
		for _, id := range sorted(good) {
			trial := maps.Clone(byID)
			trial[id] = good[id]
			if err := checkTogether(trial); err != nil {
				c.broken[id] = oneLine(err)
				continue
			}
			byID[id] = good[id]
			c.replaced[id] = true
			delete(c.broken, id)
			delete(good, id)
			again = true
		}
	}
}

// Broken says why nobody should begin to leave an account of this provider: what
// whoever runs this device wrote about it, or the folder that holds it, cannot
// be used. It is empty where nothing is broken.
func (c *Catalogue) Broken(id string) string {
	if why := c.broken[""]; why != "" {
		return why
	}
	return c.broken[id]
}

// Faults are all overrides that cannot be used, by the id of their provider, ""
// for their folder.
func (c *Catalogue) Faults() map[string]string { return maps.Clone(c.broken) }

// Replaced reports whether the profile comes from this device's own folder.
func (c *Catalogue) Replaced(id string) bool { return c.replaced[id] }

// oneLine is an error that may join several, as one sentence.
func oneLine(err error) string {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return err.Error()
	}
	var texts []string
	for _, e := range joined.Unwrap() {
		texts = append(texts, e.Error())
	}
	return strings.Join(texts, "; ")
}
