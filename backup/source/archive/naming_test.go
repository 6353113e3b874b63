package archive

import (
	"slices"
	"strings"
	"testing"
)

func TestPartsByTheirNames(t *testing.T) {
	t1, t2 := "takeout-20240701T221728Z", "takeout-20240701T221729Z" // one export: a second apart
	for name, c := range map[string]struct {
		names   []string
		only    string
		kind    Kind
		parts   int
		missing []string
		says    string
	}{
		"one of Google's":       {names: []string{t1 + "-001.zip"}, kind: Takeout, parts: 1},
		"all of Google's":       {names: []string{t2 + "-003.zip", t1 + "-001.zip", t1 + "-002.zip"}, kind: Takeout, parts: 3},
		"tgz":                   {names: []string{t1 + "-001.tgz", t1 + "-002.tar.gz"}, kind: Takeout, parts: 2},
		"one lacks":             {names: []string{t1 + "-001.zip", t1 + "-003.zip"}, kind: Takeout, parts: 2, missing: []string{"part 2"}, says: "part 2 is missing"},
		"the first lacks":       {names: []string{t1 + "-002.zip"}, only: t1 + "-002.zip", kind: Takeout, parts: 1, missing: []string{"part 1"}, says: "part 1 is missing"},
		"many lack":             {names: []string{t1 + "-099.zip"}, kind: Takeout, parts: 1, missing: []string{"part 1", "part 2", "part 3", "part 4", "part 5", "and more"}, says: "are missing"},
		"the named one went":    {names: []string{t1 + "-001.zip"}, only: t1 + "-002.zip", kind: Takeout, parts: 1, missing: []string{t1 + "-002.zip"}, says: "missing"},
		"with a number between": {names: []string{t1 + "-2-001.zip", t1 + "-2-002.zip", t1 + "-001.zip"}, kind: Takeout, parts: 3},
		"a series lacks one":    {names: []string{t1 + "-1-001.zip", t1 + "-2-002.zip"}, kind: Takeout, parts: 2, missing: []string{"part 1"}, says: "part 1"},
		"a film beside":         {names: []string{t1 + "-001.zip", "IMG_2063-002.MOV", t1 + "-003.zip"}, kind: Takeout, parts: 3},
		"a film that is none":   {names: []string{t1 + "-001.zip", "IMG_2063-001.MOV"}, kind: Takeout, parts: 1, says: "no part of this export"},
		"twice":                 {names: []string{t1 + "-001.zip", t1 + "-001 (1).zip"}, kind: Takeout, parts: 1, says: "twice"},
		"still loading":         {names: []string{t1 + "-001.zip", t1 + "-002.zip.crdownload"}, kind: Takeout, parts: 1, says: "still being downloaded"},
		"other things":          {names: []string{t1 + "-001.zip", "letter.pdf", "sub/"}, kind: Takeout, parts: 1, says: "no part of this export"},
		"other things, named":   {names: []string{t1 + "-001.zip", "letter.pdf", "sub/"}, only: t1 + "-001.zip", kind: Takeout, parts: 1},
		"another export":        {names: []string{t1 + "-001.zip", "takeout-20240801T000000Z-002.zip"}, kind: Takeout, parts: 1, says: "no part of this export"},
		"another, named":        {names: []string{t1 + "-001.zip", "takeout-20240801T000000Z-002.zip"}, only: t1 + "-001.zip", kind: Takeout, parts: 1},
		"all of Apple's":        {names: []string{"iCloud Photos Part 1 of 2.zip", "iCloud Photos Part 2 of 2.zip", "iCloud Notes.zip"}, kind: ICloud, parts: 3},
		"one of Apple's lacks":  {names: []string{"iCloud Photos Part 1 of 3.zip", "iCloud Photos Part 3 of 3.zip"}, kind: ICloud, parts: 2, missing: []string{"part 2 of 3"}, says: "part 2 of 3 is missing"},
		"Apple's last lacks":    {names: []string{"iCloud-bilder Del 1 av 2.zip"}, only: "iCloud-bilder Del 1 av 2.zip", kind: ICloud, parts: 1, missing: []string{"part 2 of 2"}, says: "part 2 of 2"},
		"one kind of Apple's":   {names: []string{"iCloud Photos Part 1 of 2.zip", "iCloud Contacts.zip"}, only: "iCloud Contacts.zip", kind: ICloud, parts: 1},
		"anybody's":             {names: []string{"holiday.zip", t1 + "-001.zip"}, only: "holiday.zip", kind: Plain, parts: 1},
	} {
		f := Find(c.names, c.only)
		err := f.Whole()
		if f.Kind != c.kind || f.Parts() != c.parts || !slices.Equal(f.Missing, c.missing) || f.Name == "" {
			t.Errorf("%s: %s, %d parts, missing %q, name %q", name, f.Kind, f.Parts(), f.Missing, f.Name)
		}
		if (c.says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f := Find([]string{"letter.pdf"}, ""); f.Parts() != 0 || f.Whole() == nil {
		t.Error("a folder without parts is an export")
	}
}

func FuzzFind(f *testing.F) {
	f.Add("takeout-20240701T221728Z-001.zip\ntakeout-20240701T221728Z-3-002 (1).tgz\nIMG-003.MOV", "")
	f.Add("iCloud Photos Part 1 of 9.zip\niCloud Notes.zip", "iCloud Notes.zip")
	f.Fuzz(func(t *testing.T, names, only string) {
		list := strings.Split(names, "\n")
		found := Find(list, only)
		if found.Whole() == nil && found.Parts() == 0 {
			t.Error("nothing is whole")
		}
		for _, p := range found.parts {
			if only == "" && !slices.Contains(list, p.file) {
				t.Errorf("%q was made up", p.file)
			}
		}
	})
}

func TestSidecarsFindTheirPhotos(t *testing.T) {
	long := "Screenshot_2019-03-17-23-43-31-123_com.miui.gallery" // 51 characters
	for name, c := range map[string]struct {
		pictures []string
		sidecar  string
		title    string
		want     int
	}{
		"old":                        {[]string{"IMG_1.jpg"}, "IMG_1.jpg", "", 0},
		"new":                        {[]string{"IMG_1.jpg"}, "IMG_1.jpg.supplemental-metadata", "", 0},
		"cut in the middle":          {[]string{"IMG_1.jpg"}, "IMG_1.jpg.suppl", "", 0},
		"cut to the dot":             {[]string{"IMG_1.jpg"}, "IMG_1.jpg.", "", 0},
		"old counter":                {[]string{"IMG_1.jpg", "IMG_1(1).jpg"}, "IMG_1.jpg(1)", "IMG_1.jpg", 1},
		"new counter":                {[]string{"IMG_1.jpg", "IMG_1(1).jpg"}, "IMG_1.jpg.supplemental-metadata(1)", "IMG_1.jpg", 1},
		"counter of a cut one":       {[]string{"IMG_1.jpg", "IMG_1(2).jpg"}, "IMG_1.jpg.supp(2)", "IMG_1.jpg", 1},
		"counter in the name":        {[]string{"image(2).png"}, "image(2).png.supplemental-metadata", "", 0},
		"the name itself is cut":     {[]string{long + ".jpg"}, long[:46], "", 0},
		"cut, two it may be":         {[]string{long + "_1.jpg", long + "_2.jpg"}, long[:46], "", -1},
		"cut, told by its title":     {[]string{long + "_1.jpg", long + "_2.jpg"}, long[:46], long + "_2.jpg", 1},
		"cut, with counter":          {[]string{long[:40] + ".jpg", long[:40] + "(1).jpg"}, long[:40] + ".jp.s(1)", "", 1},
		"cut within the extension":   {[]string{long[:42] + ".jpg", long[:42] + "(1).jpg"}, long[:42] + ".jp(1)", "", 1},
		"no extension":               {[]string{"Peanut.jpg"}, "Peanut.supplemental-metadata", "", 0},
		"no extension, two":          {[]string{"Peanut.jpg", "Peanut.png"}, "Peanut.supplemental-metadata", "", -1},
		"a short name is not cut":    {[]string{"IMG_12.jpg"}, "IMG_1", "", -1},
		"another photo's":            {[]string{"IMG_1.jpg"}, "IMG_2.jpg", "IMG_2.jpg", -1},
		"about an album":             {[]string{"IMG_1.jpg"}, "metadata", "Holiday", -1},
		"large and small letters":    {[]string{"IMG_2063.mov", "IMG_2063.MOV"}, "IMG_2063.MOV.supplemental-metadata", "", 1},
		"the title alone":            {[]string{"IMG_1.jpg"}, "odd", "IMG_1.jpg", 0},
		"an edited one has none":     {[]string{"IMG_1-edited.jpg"}, "IMG_1.jpg.supplemental-metadata", "IMG_1.jpg", -1},
		"a name with no extension":   {[]string{"21.12(1).11 - 1.jpg"}, "21.12(1).11 - 1.jpg.supplemental-metadata", "", 0},
		"the film of a live picture": {[]string{"IMG_1.HEIC", "IMG_1.MP4"}, "IMG_1.HEIC.supplemental-metadata", "", 0},
	} {
		got := pair(c.pictures, []string{c.sidecar}, func(int) string { return c.title })
		if got[0] != c.want {
			t.Errorf("%s: %q is of %d, not %d", name, c.sidecar, got[0], c.want)
		}
	}
	// Each photo has one, and the nearer name wins.
	got := pair([]string{"a.jpg"}, []string{"a.jpg.supplemental-metadata", "a.jpg"}, func(int) string { return "" })
	if n := slices.Index(got, 0); n < 0 || slices.Contains(got[n+1:], 0) {
		t.Errorf("%v", got)
	}
}

func FuzzPair(f *testing.F) {
	f.Add("IMG_1.jpg\nIMG_1(1).jpg", "IMG_1.jpg\nIMG_1.jpg.supp(1)\n", "IMG_1.jpg")
	f.Fuzz(func(t *testing.T, pictures, sidecars, title string) {
		ps, ss := strings.Split(pictures, "\n"), strings.Split(sidecars, "\n")
		of := pair(ps, ss, func(i int) string { return title[:min(i, len(title))] })
		seen := map[int]bool{}
		for _, j := range of {
			if j < -1 || j >= len(ps) || j >= 0 && seen[j] {
				t.Fatalf("%v", of)
			}
			seen[j] = true
		}
	})
}
