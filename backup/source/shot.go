package source

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Role says what a file is of a photo that has several.
type Role string

// The roles of a photo's files.
const (
	Motion  Role = "motion"  // the film of a live photo
	Raw     Role = "raw"     // what the sensor saw, where the camera made a picture too
	Edit    Role = "edit"    // the picture as it was edited, the original being the photo itself
	Sidecar Role = "sidecar" // what a program notes of it: XMP, AAE, a cloud's JSON
)

// Shot is one photo or film as a person counts them, with the files that belong
// to it. Numbers are indexes into the names given to [Group].
type Shot struct {
	Main int // the file to show
	With []Companion
}

// Companion is a file that belongs to a photo.
type Companion struct {
	Index int
	Role  Role
}

// Group puts the files of photos together by their paths alone: a live photo's
// picture and film, RAW and JPEG, what was edited (Apple's IMG_E, the "-edited"
// of Google's export), and sidecars. All lie in one folder. Two pictures are two
// photos, however alike their names: grouping never makes less of what is there
// than a person would count, but a film beside a picture of its name is part of
// it. rest are the files that belong to no photo.
func Group(paths []string) (shots []Shot, rest []int) {
	g := grouping{byKey: map[string][]int{}, byName: map[string]int{}, shotOf: map[int]int{}}
	g.names = make([]mediaName, len(paths))
	for i, p := range paths {
		n := readName(p)
		g.names[i] = n
		if n.part != partOther && n.part != partSidecar {
			g.byKey[n.key] = append(g.byKey[n.key], i)
			if _, twin := g.byName[n.whole]; !twin {
				g.byName[n.whole] = i
			}
		}
	}
	for i, n := range g.names {
		if of := g.byKey[n.key]; len(of) > 0 && of[0] == i {
			g.stem(of)
		}
	}
	for i, n := range g.names {
		if n.part == partOther || n.part == partSidecar && !g.sidecar(i, &n) {
			rest = append(rest, i)
		}
	}
	slices.SortFunc(g.shots, func(a, b Shot) int { return cmp.Compare(a.Main, b.Main) })
	return g.shots, rest
}

type grouping struct {
	names  []mediaName
	byKey  map[string][]int // folder and stem → pictures and films
	byName map[string]int   // folder and whole name → picture or film
	shots  []Shot
	shotOf map[int]int // file → its shot
}

// stem makes the photos of the pictures and films that share a stem.
func (g *grouping) stem(files []int) {
	mains := g.mains(files)
	for _, i := range mains {
		g.shotOf[i] = len(g.shots)
		g.shots = append(g.shots, Shot{Main: i})
	}
	for _, i := range files {
		if !slices.Contains(mains, i) {
			g.join(i, g.nearest(i, mains), g.names[i].role())
		}
	}
}

// mains chooses what stands for itself: every original picture; without one, the
// RAW files' first, or every film; without an original, what was edited.
func (g *grouping) mains(files []int) []int {
	for _, want := range []part{partStill, partRaw, partFilm} {
		for _, edited := range []bool{false, true} {
			var found []int
			for _, i := range files {
				if g.names[i].part == want && g.names[i].edited == edited {
					found = append(found, i)
				}
			}
			switch {
			case len(found) == 0:
			case edited && want == partStill && g.has(files, partRaw, partFilm):
				// Edited from a RAW file, or from a film's frame: that is the original.
			case want == partRaw:
				return found[:1]
			default:
				return found
			}
		}
	}
	return files
}

func (g *grouping) has(files []int, parts ...part) bool {
	return slices.ContainsFunc(files, func(i int) bool {
		return !g.names[i].edited && slices.Contains(parts, g.names[i].part)
	})
}

// nearest is the main whose stem is written just as the file's, else a HEIC
// picture, else the first.
func (g *grouping) nearest(i int, mains []int) int {
	for _, m := range mains {
		if g.names[m].stem == g.names[i].stem {
			return m
		}
	}
	for _, m := range mains {
		if g.names[m].heic {
			return m
		}
	}
	return mains[0]
}

func (g *grouping) join(i, main int, role Role) {
	s := g.shotOf[main]
	g.shotOf[i] = s
	g.shots[s].With = append(g.shots[s].With, Companion{Index: i, Role: role})
}

func (g *grouping) sidecar(i int, n *mediaName) bool {
	if of, ok := g.byName[n.of]; ok && n.of != "" {
		g.join(i, g.shots[g.shotOf[of]].Main, Sidecar)
		return true
	}
	files := g.byKey[n.key]
	if len(files) == 0 {
		return false
	}
	var mains []int
	for _, f := range files {
		if g.shots[g.shotOf[f]].Main == f {
			mains = append(mains, f)
		}
	}
	g.join(i, g.nearest(i, mains), Sidecar)
	return true
}

// Shots counts the photos and films among paths that come one by one, as
// [Group] would make them. It keeps some twenty bytes a photo.
type Shots struct {
	stems map[uint64]stemCount
}

type stemCount struct{ stills, raws, films, edits, editedFilms uint16 }

// Add counts one path. Each is added once.
func (s *Shots) Add(p string) {
	n := readName(p)
	if n.part == partOther || n.part == partSidecar {
		return
	}
	if s.stems == nil {
		s.stems = map[uint64]stemCount{}
	}
	k := hash(n.key)
	c := s.stems[k]
	switch {
	case n.edited && n.part == partStill:
		c.edits = more(c.edits)
	case n.part == partStill:
		c.stills = more(c.stills)
	case n.part == partRaw:
		c.raws = 1
	case n.edited:
		c.editedFilms = more(c.editedFilms)
	default:
		c.films = more(c.films)
	}
	s.stems[k] = c
}

// Count is how many photos and films were added.
func (s *Shots) Count() int64 {
	var n int64
	for _, c := range s.stems {
		switch {
		case c.stills > 0:
			n += int64(c.stills)
		case c.raws > 0:
			n++
		case c.films > 0:
			n += int64(c.films)
		case c.edits > 0:
			n += int64(c.edits)
		default:
			n += int64(c.editedFilms)
		}
	}
	return n
}

func more(n uint16) uint16 { return n + min(1, ^n) }

// hash is FNV-1a: two stems that meet in it make the count smaller, never larger.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

type part uint8

const (
	partOther part = iota
	partStill
	partRaw
	partFilm
	partSidecar
)

// mediaName is what the path of a file says of it.
type mediaName struct {
	part   part
	edited bool
	heic   bool
	stem   string // as it is written
	key    string // folder and stem, in small letters, marks of editing taken off
	whole  string // folder and name, in small letters
	of     string // of sidecars that name a file with its extension: as whole
}

func (n *mediaName) role() Role {
	switch {
	case n.edited:
		return Edit
	case n.part == partRaw:
		return Raw
	}
	return Motion
}

var (
	stillExts = words(".jpg .jpeg .jpe .jfif .png .gif .webp .heic .heif .hif .avif .jxl .bmp .tif .tiff .mpo .insp")
	rawExts   = words(".dng .arw .cr2 .cr3 .crw .nef .nrw .orf .raf .rw2 .srw .pef .x3f .3fr .iiq .gpr")
	filmExts  = words(".mp4 .m4v .mov .qt .3gp .3g2 .avi .mkv .webm .mpg .mpeg .mts .m2ts .insv .mp")
	// xmp: Adobe, darktable, digiKam; aae: Apple; json: Google's export; pp3, dop,
	// vrd, arp, on1: RAW developers; thm, lrv: cameras beside their films.
	sidecarExts = words(".xmp .aae .json .pp3 .dop .vrd .arp .on1 .thm .lrv")
)

func readName(p string) mediaName {
	lower := lowerASCII(p)
	dir, base := path.Split(lower)
	ext := path.Ext(base)
	if ext == base {
		return mediaName{}
	}
	n := mediaName{whole: lower, stem: p[len(dir) : len(p)-len(ext)]}
	stem := base[:len(base)-len(ext)]
	switch {
	case strings.HasPrefix(base, "._"): // AppleDouble: what macOS knows of a file
		n.part, n.of, stem = partSidecar, dir+base[2:], stem[2:]
	case stillExts[ext]:
		n.part, n.heic = partStill, ext == ".heic" || ext == ".heif"
	case rawExts[ext]:
		n.part = partRaw
	case filmExts[ext]:
		n.part = partFilm
	case sidecarExts[ext]:
		n.part, n.of = partSidecar, dir+stem
		for n.of != "" && path.Ext(n.of) != "" && !media(path.Ext(n.of)) { // "a.jpg.supplemental-metadata.json"
			n.of = strings.TrimSuffix(n.of, path.Ext(n.of))
		}
		if media(path.Ext(n.of)) {
			stem = strings.TrimSuffix(path.Base(n.of), path.Ext(n.of))
		}
	default:
		return n
	}
	if n.part == partStill { // PXL_1.MP.jpg, whose film Google's export calls PXL_1.MP
		stem = strings.TrimSuffix(stem, ".mp")
	}
	stem, n.edited = unedited(stem)
	n.edited = n.edited && n.part != partRaw // nothing edits what the sensor saw
	n.key = dir + "\x00" + stem
	return n
}

// IsMedia reports whether a name is that of a picture or film.
func IsMedia(p string) bool {
	n := readName(p)
	return n.part != partOther && n.part != partSidecar
}

func media(ext string) bool { return stillExts[ext] || rawExts[ext] || filmExts[ext] }

// editMarks are what programs put behind the name of what they edited: Google's
// export in the languages that its readers know (GooglePhotosTakeoutHelper's list
// of extra formats), "_edited" others.
var editMarks = []string{
	"-edited", "_edited", "-effects", "-smile", "-mix", "-edytowane", "-bearbeitet", "-bewerkt", "-編集済み",
	"-modificato", //nolint:misspell // Italian
	"-modifié", "-modifie\u0301", "-ha editado", "-editado", "-editat",
}

// counted is the number that Google's export puts behind a name that is there
// already: "IMG_1(2).jpg", "IMG_1-edited(2).jpg".
var counted = regexp.MustCompile(`\(\d{1,4}\)$`)

// unedited takes off what a program added to the name of what it edited: Apple's
// IMG_E0001 for IMG_0001 (and IMG_O0001.AAE, the edit that was taken back), and
// the marks of others.
func unedited(stem string) (string, bool) {
	number := counted.FindString(stem)
	for _, mark := range editMarks {
		if s, ok := strings.CutSuffix(strings.TrimSuffix(stem, number), mark); ok && s != "" {
			return s + number, true
		}
	}
	for _, mark := range []string{"img_e", "img_o"} {
		if digits, ok := strings.CutPrefix(stem, mark); ok && len(digits) >= 4 && strings.Trim(digits, "0123456789") == "" {
			return "img_" + digits, true
		}
	}
	return stem, false
}

// lowerASCII leaves every other byte as it is: names need not be text.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
