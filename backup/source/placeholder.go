package source

import (
	"path"
	"strings"
)

// maxPointer is the size up to which a file with a pointer's name is one, bytes:
// a pointer of Google Drive has about 200, a stub of iCloud Drive about 160, a
// virtual file of Nextcloud 1, one of odrive none.
const maxPointer = 8 << 10

// stubs are what cloud drives append to the name of a file that they did not
// fetch: Nextcloud and ownCloud with virtual files by suffix (libsync
// vfs/suffix), odrive for files.
var stubs = []string{".nextcloud", ".owncloud", ".cloud"}

// pointers are files that only name a document at Google's or Dropbox's: there
// is nothing of it in them.
var pointers = words(".gdoc .gdocx .gsheet .gslides .gdraw .gform .gmap .gsite .gtable .gjam .gscript .glink .gnote .gvid .paper .papert")

// Placeholder tells a file that stands for one that is only in a cloud, by its
// path and size in bytes, and gives the path of what it stands for, a folder's
// with "/" at its end. Its own bytes are no copy of anything.
//
// That a file takes no room on the disk says nothing: sparse files are whole,
// and so are those of file systems that fetch what is read.
func Placeholder(p string, size int64) (of string, ok bool) {
	if size < 0 || size > maxPointer {
		return "", false
	}
	dir, base := path.Split(p)
	lower := strings.ToLower(base)
	if pointers[path.Ext(lower)] && len(lower) > len(path.Ext(lower)) {
		return p, true
	}
	// iCloud Drive up to macOS 13: ".name.icloud".
	if strings.HasPrefix(lower, ".") && strings.HasSuffix(lower, ".icloud") && len(lower) > len(".icloud")+1 {
		return dir + base[1:len(base)-len(".icloud")], true
	}
	for _, s := range stubs {
		// A name before the suffix that has an extension of its own: "a.jpg.cloud".
		if stem := strings.TrimSuffix(lower, s); stem != lower && path.Ext(stem) != "" && path.Ext(stem) != stem {
			return dir + base[:len(stem)], true
		}
	}
	// odrive's folders that were not opened yet hide all that is in them.
	if stem := strings.TrimSuffix(lower, ".cloudf"); stem != lower && stem != "" && size == 0 {
		return dir + base[:len(stem)] + "/", true
	}
	return "", false
}

// hydrateAttr marks the files that the Nextcloud client did not fetch where it
// uses extended attributes in place of a suffix (libsync vfs/xattr): one byte
// under the name of the whole file.
const hydrateAttr = "user.nextcloud.hydrate_exec"

// maxHydrate is the size up to which a file is asked for that mark, bytes.
const maxHydrate = 1

// thumbFolders hold small pictures that programs made of photos: the
// freedesktop.org thumbnail specification (and its shared repositories), Android,
// Synology, iTunes, xv.
var thumbFolders = words(".thumbnails .thumbnail .thumb .thumbs .sh_thumbnails @eadir .@__thumb .xvpics")

// thumbFiles are stores of such pictures: Windows, digiKam, iTunes.
var thumbFiles = words("thumbs.db ehthumbs.db ehthumbs_vista.db thumbnails-digikam.db")

// Thumbnail tells a small picture that a program made of a photo, or a store of
// such pictures, by its path. It is not the photo, and none is lost with it.
func Thumbnail(p string) bool {
	lower := strings.ToLower(p)
	dir, base := path.Split(lower)
	switch {
	case thumbFiles[base], path.Ext(base) == ".ithmb":
		return true
	case strings.HasPrefix(base, ".thumbdata"), strings.HasPrefix(base, ".thumbcache"): // Android
		return true
	}
	for name := range strings.SplitSeq(dir, "/") {
		if thumbFolders[name] || name == "ipod photo cache" {
			return true
		}
	}
	return false
}
