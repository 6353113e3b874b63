package archive

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/backup/source"
)

var errNoFile = errors.New("the file is not in the export")

// keep takes the files of a folder of Keep: each note as the JSON that Keep
// wrote, with one to read beside it; what they show; Keep's own pages.
func (x *Export) keep(items []item) {
	byName, byStem := map[string]string{}, map[string]string{}
	for _, it := range items {
		base := path.Base(it.path)
		byName[base] = base
		stem := strings.TrimSuffix(base, path.Ext(base))
		if old, twin := byStem[stem]; source.IsMedia(base) && (!twin || base < old) {
			byStem[stem] = base
		}
	}
	for _, it := range items {
		f, known := it.v.facts[it.i]
		if !known || f.of != note {
			it.beside = true
			x.put(source.Notes, it)
			continue
		}
		it.beside = f.trashed
		x.put(source.Notes, it)
		read := it
		read.id, read.path = it.id+"//read", strings.TrimSuffix(it.path, path.Ext(it.path))+".md"
		read.beside, read.note, read.files = true, true, map[string]string{}
		var lacking []string
		for _, show := range f.shows {
			// Keep names a picture .jpeg that Takeout calls .jpg.
			name := byName[show]
			if name == "" {
				name = byStem[strings.TrimSuffix(show, path.Ext(show))]
			}
			read.files[show] = name
			if name == "" && !slices.Contains(lacking, show) {
				lacking = append(lacking, show)
			}
		}
		x.put(source.Notes, read)
		for _, name := range lacking {
			x.put(source.Notes, item{v: it.v, i: -1, id: it.id + "//" + name, path: it.path + "//" + name, beside: true, reason: source.NoteFile, why: errNoFile})
		}
	}
}
