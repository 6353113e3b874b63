package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// record writes what the campaigns came to into a folder: RELIABILITY.md for a
// person, and reliability.json, by which a later run of some campaigns keeps
// what was found of the others.
func record(dir string, results []result) error {
	at := filepath.Join(dir, "reliability.json")
	all, err := recorded(at)
	if err != nil {
		return err
	}
	for _, r := range results {
		all = slices.DeleteFunc(all, func(old result) bool { return old.Name == r.Name })
		all = append(all, r)
	}
	order := func(r result) int {
		return slices.IndexFunc(campaigns, func(c campaign) bool { return c.name == r.Name })
	}
	slices.SortFunc(all, func(a, b result) int { return cmp.Compare(order(a), order(b)) })
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(at, append(data, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, "RELIABILITY.md"), []byte(report(all)), 0o644))
}

func recorded(at string) (all []result, err error) {
	data, err := os.ReadFile(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the results of before: %w", err)
	}
	return all, nil
}

const intro = `# Attacks on the copy

Made by %smake campaign-backup%s, or by one campaign of it, on %d cores, %s. After each attack: %ssha256sum -c%s accepts the copy or reading it
back names the damage, nothing that was acknowledged is lost, and the next run completes it. An attack after which one
of these did not hold counts as broken. Campaigns are run one by one, and each row is of its latest run.

| campaign | attacks | broken | took |
| --- | ---: | ---: | ---: |
`

func report(all []result) string {
	var b strings.Builder
	fmt.Fprintf(&b, intro, "`", "`", runtime.NumCPU(), runtime.Version(), "`", "`")
	for _, r := range all {
		fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", r.Name, humanize.Comma(int64(r.Cycles)), r.Broken, r.Took.Round(time.Second))
	}
	b.WriteString("\n")
	for _, r := range all {
		fmt.Fprintf(&b, "- **%s**: %s.\n", r.Name, r.What)
		for _, note := range slices.Concat(r.Notes, r.Firsts) {
			fmt.Fprintf(&b, "  %s.\n", note)
		}
	}
	return b.String()
}
