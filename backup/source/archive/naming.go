package archive

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

// Kind is who made an archive.
type Kind string

// The kinds.
const (
	Takeout Kind = "takeout" // Google
	ICloud  Kind = "icloud"  // Apple, privacy.apple.com
	Plain   Kind = "plain"   // anybody
)

// Names of exports. Google's: takeout-20250203T030726Z-001.zip, and since about
// 2024 with a number between: takeout-20260830T185305Z-2-001.zip; the time may
// differ by a second from part to part (immich-go, issue 357). A file that fits
// no part stands beside them as IMG_2063-031.MOV, with the number of its own
// part. Apple's: "iCloud Photos Part 1 of 9.zip", in other languages "iCloud-bilder
// Del 1 av 6.zip" (immich-go, issue 853); the rest of an export has one file a
// kind: "iCloud Contacts.zip". Browsers add " (1)" to what they save twice.
var (
	takeoutName = regexp.MustCompile(`(?i)^takeout-(\d{8}T\d{6}Z)(?:-(\d{1,3}))?-(\d{3,5})( ?\(\d+\))?\.(?:zip|tgz|tar\.gz)$`)
	icloudPart  = regexp.MustCompile(`(?i)^(icloud.{0,100}?)\s(\d{1,4})\s\S{1,10}\s(\d{1,4})( ?\(\d+\))?\.zip$`)
	icloudName  = regexp.MustCompile(`(?i)^icloud[ -].{1,100}\.zip$`)
	looseName   = regexp.MustCompile(`^(.+)-(\d{3,5})(\.[A-Za-z0-9]{1,8})$`)
	loading     = regexp.MustCompile(`(?i)\.(?:crdownload|part|partial|download|tmp)$`)
)

// aside are files that lie in any folder, or that a person took out of an export
// to read.
var aside = map[string]bool{manifestName: true, "desktop.ini": true, "thumbs.db": true}

// sameExport is how far apart the times of two parts of an export may lie.
const sameExport = time.Minute

// part is one file of an export.
type part struct {
	file   string
	series string // the parts that are numbered together
	number int    // 0: not numbered
	of     int    // how many there are; 0: its name does not say
	stamp  time.Time
	loose  string // the name of a file that is a part itself
}

func readPart(name string) (part, bool) {
	if m := takeoutName.FindStringSubmatch(name); m != nil {
		t, err := time.Parse("20060102T150405Z", strings.ToUpper(m[1]))
		n, nerr := strconv.Atoi(m[3])
		if err == nil && nerr == nil && n > 0 {
			return part{file: name, series: "takeout-" + m[2], number: n, stamp: t}, true
		}
	}
	if m := icloudPart.FindStringSubmatch(name); m != nil {
		n, err := strconv.Atoi(m[2])
		of, oerr := strconv.Atoi(m[3])
		if err == nil && oerr == nil && n > 0 && of > 0 {
			return part{file: name, series: strings.ToLower(m[1]) + " of " + m[3], number: n, of: of}, true
		}
	}
	if icloudName.MatchString(name) {
		return part{file: name, series: strings.ToLower(name)}, true
	}
	return part{}, false
}

// Found is an export as the names of its files show it.
type Found struct {
	Kind Kind
	// Name tells one export from another: what its files are called, without
	// their numbers.
	Name string
	// Missing names the parts that are not there, for a person.
	Missing []string
	// Twice names the parts that are there more than once.
	Twice []string
	// Loading names the files that are still being downloaded.
	Loading []string
	// Strange names files that are no part of the export.
	Strange []string

	parts []part
	open  bool // nothing but the provider's page tells how many parts there are
}

// Parts is how many parts are there.
func (f *Found) Parts() int { return len(f.parts) }

// Files names the files of the parts that are there.
func (f *Found) Files() []string {
	var names []string
	for _, p := range f.parts {
		names = append(names, p.file)
	}
	return names
}

// IsPart reports whether a file's name is that of a part of an export.
func IsPart(name string) bool {
	_, ok := readPart(name)
	return ok
}

// Find makes the export of the names of the files in a folder. only is the part
// that the person named; empty: the folder as a whole. A file of another name
// that was named stands for itself.
func Find(names []string, only string) Found {
	var all []part
	var rest []string
	for _, n := range names {
		p, ok := readPart(n)
		switch {
		case ok:
			all = append(all, p)
		default:
			rest = append(rest, n)
		}
	}
	if only != "" {
		p, ok := readPart(only)
		if !ok {
			return Found{Kind: Plain, Name: only, parts: []part{{file: only}}}
		}
		all = slices.DeleteFunc(all, func(o part) bool { return !p.with(o) })
		rest = slices.DeleteFunc(rest, func(n string) bool { return !loading.MatchString(n) && !looseName.MatchString(n) })
	}
	f := assemble(all, rest, only == "")
	if only != "" && !slices.Contains(names, only) {
		f.Missing = append(f.Missing, only)
	}
	return f
}

// with reports whether another part is of the same export.
func (p part) with(o part) bool {
	if p.stamp.IsZero() {
		return p.series == o.series
	}
	return !o.stamp.IsZero() && o.stamp.Sub(p.stamp).Abs() <= sameExport
}

func assemble(all []part, rest []string, whole bool) Found {
	f := Found{Kind: ICloud}
	slices.SortFunc(all, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.series, b.series), cmp.Compare(a.number, b.number), cmp.Compare(a.file, b.file))
	})
	if len(all) == 0 {
		return f
	}
	first := all[0]
	for _, p := range all {
		switch {
		case p.stamp.IsZero() != first.stamp.IsZero(), !first.stamp.IsZero() && !first.with(p):
			f.Strange = append(f.Strange, p.file)
			continue
		case len(f.parts) > 0 && p.number > 0 && f.parts[len(f.parts)-1].series == p.series && f.parts[len(f.parts)-1].number == p.number:
			f.Twice = append(f.Twice, p.file)
			continue
		}
		f.parts = append(f.parts, p)
	}
	f.Name = strings.TrimSuffix(f.parts[0].series, ".zip")
	if f.parts[0].series != f.parts[len(f.parts)-1].series {
		f.Name = "iCloud"
	}
	if !first.stamp.IsZero() {
		f.Kind, f.open = Takeout, true
		f.Name = "takeout-" + first.stamp.Format("20060102T150405Z")
	}
	for _, n := range rest {
		switch {
		case loading.MatchString(n):
			f.Loading = append(f.Loading, n)
		case f.Kind == Takeout && f.fill(n):
		case whole && !strings.HasPrefix(n, ".") && !aside[strings.ToLower(n)]:
			f.Strange = append(f.Strange, n)
		}
	}
	f.lacking()
	return f
}

// fill takes a file that is a part itself, if its number is one that lacks.
func (f *Found) fill(name string) bool {
	m := looseName.FindStringSubmatch(name)
	if m == nil || !source.IsMedia(m[1]+m[3]) {
		return false
	}
	n, err := strconv.Atoi(m[2])
	if err != nil || n == 0 {
		return false
	}
	series := map[string]bool{}
	for _, p := range f.parts {
		if p.number == n && p.loose == "" {
			series[p.series] = true // there is one of this number
		} else if _, known := series[p.series]; !known {
			series[p.series] = false
		}
	}
	for _, s := range slices.Sorted(maps.Keys(series)) {
		if series[s] {
			continue
		}
		f.parts = append(f.parts, part{file: name, series: s, number: n, stamp: f.parts[0].stamp, loose: m[1] + m[3]})
		slices.SortStableFunc(f.parts, func(a, b part) int {
			return cmp.Or(cmp.Compare(a.series, b.series), cmp.Compare(a.number, b.number))
		})
		return true
	}
	return false
}

// maxMissing is how many missing parts are named.
const maxMissing = 5

// lacking names the parts that are not there: those below the highest number,
// and those that the names count.
func (f *Found) lacking() {
	last := map[string]int{}
	have := map[string]map[int]bool{}
	of := map[string]bool{}
	for _, p := range f.parts {
		if p.number == 0 {
			continue
		}
		if have[p.series] == nil {
			have[p.series] = map[int]bool{}
		}
		have[p.series][p.number] = true
		last[p.series] = max(last[p.series], p.number, p.of)
		of[p.series] = p.of > 0
	}
	count := 0
	for _, series := range slices.Sorted(maps.Keys(last)) {
		for n := 1; n <= last[series]; n++ {
			if have[series][n] {
				continue
			}
			if count++; count > maxMissing {
				f.Missing = append(f.Missing, "and more")
				return
			}
			name := fmt.Sprintf("part %d", n)
			if of[series] {
				name = fmt.Sprintf("part %d of %d", n, last[series])
			}
			f.Missing = append(f.Missing, name)
		}
	}
}

// isDetails tells Apple's list of the photos of a part: "Photo Details.csv",
// "Photo Details-1.csv".
func isDetails(base string) bool {
	return strings.HasPrefix(base, "photo details") && path.Ext(base) == ".csv"
}
