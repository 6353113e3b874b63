package beside

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// kept is what was measured of a course so far, in a file of the work folder. It
// is of one course, one build of what is measured and one set of peers: another
// begins anew.
type kept struct {
	path   string
	Trials []trialTook
}

// trialTook is what one trial took.
type trialTook struct {
	Round int
	Tool  string
	At    time.Time // its end
	Steps []stepTook
	Lost  *int `json:",omitempty"` // files that the copy lacks, where that is counted
}

type stepTook struct {
	Task  Task
	Label string
	Cost  Cost
}

func (k *kept) has(t turn) bool {
	return slices.ContainsFunc(k.Trials, func(d trialTook) bool { return d.Round == t.round && d.Tool == t.tool.name })
}

// add keeps a trial.
func (k *kept) add(t trialTook) error {
	k.Trials = append(k.Trials, t)
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if err := os.WriteFile(k.path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(k.path+".new", k.path)
}

// kept reads what a run before measured of a course.
func (b *Bench) kept(c *Course) (*kept, error) {
	path, err := b.keptAt(c)
	if err != nil {
		return nil, err
	}
	k := &kept{path: path}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err == nil {
		err = json.Unmarshal(text, k)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what was measured before (remove %s to begin anew): %w", path, err)
	}
	fmt.Fprintf(b.Say, "%8d %-6s %d trials of before are kept\n", c.Files, c.Kind, len(k.Trials))
	return k, nil
}

// Forget removes what is kept of a course: it stands in the report.
func (b *Bench) Forget(c *Course) error {
	path, err := b.keptAt(c)
	if err == nil {
		err = os.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (b *Bench) keptAt(c *Course) (string, error) {
	sum := sha256.New()
	engine, err := os.ReadFile(filepath.Join(b.Bin, "engine"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	text, err := json.Marshal([]any{c, sha256.Sum256(engine), Versions(), b.Place.Files()})
	sum.Write(text)
	return filepath.Join(b.Place.Dir, "trials-"+hex.EncodeToString(sum.Sum(nil)[:8])+".json"), err
}
