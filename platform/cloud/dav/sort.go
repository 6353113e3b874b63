package dav

import (
	"path"
	"strings"
)

// pictures are the extensions that count as photos and videos wherever they
// lie: those that Nextcloud's Photos and Memories apps show, raw formats and
// the side files of phones among them.
var pictures = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".png": true, ".gif": true, ".webp": true,
	".heic": true, ".heif": true, ".hif": true, ".avif": true, ".jxl": true, ".bmp": true, ".tif": true, ".tiff": true,
	".dng": true, ".arw": true, ".cr2": true, ".cr3": true, ".nef": true, ".orf": true, ".raf": true, ".rw2": true, ".srw": true, ".pef": true,
	".mp4": true, ".m4v": true, ".mov": true, ".3gp": true, ".3g2": true, ".avi": true, ".mkv": true, ".webm": true, ".mpg": true, ".mpeg": true, ".mts": true, ".m2ts": true,
	".insp": true, ".insv": true, ".mpo": true,
}

// NotesFolder is where the Nextcloud Notes app keeps its files by default.
const NotesFolder = "Notes"

// IsPhoto says that a file is a photo or video: by its extension, or by the
// media type that the server claims.
func (it Item) IsPhoto() bool {
	if it.Folder {
		return false
	}
	return pictures[strings.ToLower(path.Ext(it.Name))] || strings.HasPrefix(it.Type, "image/") || strings.HasPrefix(it.Type, "video/")
}

// IsNote says that a file lies in the notes folder: the notes and what is
// attached to them.
func (it Item) IsNote(folder string) bool {
	return !it.Folder && folder != "" && strings.HasPrefix(it.Name, strings.Trim(folder, "/")+"/")
}
