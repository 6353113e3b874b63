package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	manifest = "manifest-sha256.txt"
	tags     = "tagmanifest-sha256.txt"
)

// harms are the ways to damage a copy. Each returns the files that it hit.
var harms = map[string]func(*victim, *course) ([]string, error){
	"bit":                  (*victim).flip,
	"length":               (*victim).cutOff,
	"more":                 (*victim).lengthen,
	"zeros":                (*victim).zero,
	"swap":                 (*victim).swap,
	"gone":                 (*victim).remove,
	"gone with its line":   (*victim).removeAll,
	"other, line made fit": (*victim).forge,
	"list":                 (*victim).flipList,
	"older copy":           (*victim).turnBack,
}

// traceless are the harms that take a file and all that tells of it.
var traceless = []string{"gone with its line", "older copy"}

// lists are the copy's files about itself.
var lists = []string{manifest, tags, "items.jsonl", "bag-info.txt", "bagit.txt"}

// pick chooses a file of the payload that is not empty.
func (v *victim) pick(c *course) (string, leaf) {
	payload := v.payload()
	at := payload[c.rng.IntN(len(payload))]
	return at, v.sound[at]
}

// payload are the pictures of the copy.
func (v *victim) payload() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(v.sound)), func(at string) bool {
		return !strings.HasPrefix(at, "data/photos/") || len(v.sound[at].data) == 0
	})
}

func (v *victim) put(at string, l leaf, data []byte) error {
	l.data = data
	return l.write(filepath.Join(v.bag(), at))
}

func (v *victim) flip(c *course) ([]string, error) {
	at, l := v.pick(c)
	data := bytes.Clone(l.data)
	data[c.rng.IntN(len(data))] ^= 1 << c.rng.IntN(8)
	return []string{at}, v.put(at, l, data)
}

func (v *victim) cutOff(c *course) ([]string, error) {
	at, l := v.pick(c)
	return []string{at}, v.put(at, l, l.data[:c.rng.IntN(len(l.data))])
}

func (v *victim) lengthen(c *course) ([]string, error) {
	at, l := v.pick(c)
	return []string{at}, v.put(at, l, append(bytes.Clone(l.data), make([]byte, 1+c.rng.IntN(5000))...))
}

// zero empties a block, as a disk does that lost a write.
func (v *victim) zero(c *course) ([]string, error) {
	at, l := v.pick(c)
	data := bytes.Clone(l.data)
	from := c.rng.IntN(len(data)) &^ 4095
	clear(data[from:min(len(data), from+4096)])
	return []string{at}, v.put(at, l, data)
}

func (v *victim) swap(c *course) ([]string, error) {
	a, la := v.pick(c)
	b, lb := v.pick(c)
	for bytes.Equal(la.data, lb.data) {
		b, lb = v.pick(c)
	}
	if err := v.put(a, la, lb.data); err != nil {
		return nil, err
	}
	return []string{a, b}, v.put(b, lb, la.data)
}

func (v *victim) remove(c *course) ([]string, error) {
	at, _ := v.pick(c)
	return []string{at}, os.Remove(filepath.Join(v.bag(), at))
}

// removeAll takes a picture and every line that speaks of it.
func (v *victim) removeAll(c *course) ([]string, error) {
	at, _ := v.pick(c)
	for _, list := range []string{manifest, "items.jsonl"} {
		if err := v.rewrite(list, func(line string) string {
			if strings.Contains(line, at) {
				return ""
			}
			return line
		}); err != nil {
			return nil, err
		}
	}
	return []string{at}, errors.Join(v.retag(), os.Remove(filepath.Join(v.bag(), at)))
}

// forge puts another content in place of a picture, and its sum on the line.
func (v *victim) forge(c *course) ([]string, error) {
	at, l := v.pick(c)
	data := []byte(fmt.Sprint("not the picture ", c.rng.Uint64()))
	err := v.rewrite(manifest, func(line string) string {
		if strings.HasSuffix(line, "  "+at+"\n") {
			return sum(data) + "  " + at + "\n"
		}
		return line
	})
	return []string{at}, errors.Join(err, v.retag(), v.put(at, l, data))
}

// flipList flips a bit in one of the copy's own lists.
func (v *victim) flipList(c *course) ([]string, error) {
	at := lists[c.rng.IntN(len(lists))]
	l := v.sound[at]
	data := bytes.Clone(l.data)
	data[c.rng.IntN(len(data))] ^= 1 << c.rng.IntN(8)
	return []string{at}, v.put(at, l, data)
}

// turnBack puts the copy of one run before in the place of this one: a whole
// and valid copy, which lacks what came since.
func (v *victim) turnBack(*course) ([]string, error) {
	if err := v.older.restore(v.bag()); err != nil {
		return nil, err
	}
	var hit []string
	for _, at := range v.payload() {
		if _, ok := v.older[at]; !ok {
			hit = append(hit, at)
		}
	}
	return hit, nil
}

// rewrite passes every line of a list through change.
func (v *victim) rewrite(list string, change func(line string) string) error {
	var out strings.Builder
	for line := range strings.Lines(string(v.sound[list].data)) {
		out.WriteString(change(line))
	}
	return v.put(list, v.sound[list], []byte(out.String()))
}

// retag makes the sums of the lists fit again, so that nothing in the copy
// contradicts itself.
func (v *victim) retag() error {
	var failed error
	err := v.rewrite(tags, func(line string) string {
		_, at, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		data, err := os.ReadFile(filepath.Join(v.bag(), at))
		failed = errors.Join(failed, err)
		return sum(data) + "  " + at + "\n"
	})
	return errors.Join(failed, err)
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
