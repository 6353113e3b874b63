package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// course is one campaign under way.
type course struct {
	dir    string // everything of it lies here
	cycles int    // how many attacks; 0: until a run is clean
	bin    string // the agent's programs
	rng    *rand.Rand
	result result
}

// result is what a campaign came to.
type result struct {
	Name, What string
	Cycles     int            // attacks that took place
	Clean      int            // runs that ended before the attack came
	Broken     int            // attacks after which a promise did not hold
	By         map[string]int // of those, how many of each kind of attack
	Firsts     []string       // the first of each kind
	Notes      []string
	Took       time.Duration
}

func newCourse(dir string, seed uint64, cycles int, bin string) *course {
	return &course{dir: dir, cycles: cycles, bin: bin, rng: rand.New(rand.NewPCG(seed, 4))}
}

// broke counts an attack of a kind after which a promise did not hold.
func (c *course) broke(kind, format string, args ...any) {
	c.result.Broken++
	if c.result.By == nil {
		c.result.By = map[string]int{}
	}
	if c.result.By[kind]++; c.result.By[kind] == 1 {
		c.result.Firsts = append(c.result.Firsts, fmt.Sprintf(format, args...))
	}
}

// judge counts an attack by what the look after it found.
func (c *course) judge(kind, attack string, err error) {
	c.result.Cycles++
	if err != nil {
		c.broke(kind, "%s: %v", attack, err)
	}
}

func (c *course) note(format string, args ...any) {
	c.result.Notes = append(c.result.Notes, fmt.Sprintf(format, args...))
}

func (r *result) line() string {
	s := fmt.Sprintf("%-7s %6d attacks, %d broke a promise, %s", r.Name, r.Cycles, r.Broken, r.Took.Round(time.Second))
	for _, first := range r.Firsts {
		s += "\n        " + first
	}
	return s
}
