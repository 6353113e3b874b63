package tasks

import (
	"github.com/clearance-project/clearance/platform/akonadi"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/digikam"
	"github.com/clearance-project/clearance/platform/gnote"
	"github.com/clearance-project/clearance/platform/joplin"
	"github.com/clearance-project/clearance/platform/obsidian"
	"github.com/clearance-project/clearance/platform/shotwell"
	"github.com/clearance-project/clearance/platform/thunderbird/stores"
	"github.com/clearance-project/clearance/platform/vdirsyncer"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Finders are the programs of this device whose stores are looked for: one line
// each.
func Finders(dirs xdg.Dirs) []dataset.Finder {
	return []dataset.Finder{
		akonadi.New(dirs),
		digikam.New(dirs),
		gnote.New(dirs),
		joplin.New(dirs),
		obsidian.New(dirs),
		shotwell.New(dirs),
		stores.New(dirs),
		vdirsyncer.New(dirs),
	}
}
