package place

import "strings"

// Lack is something of a file that a file system cannot keep. The copy lives
// with it: its own lists have every name and time as it was.
type Lack string

// What file systems lack.
const (
	CoarseTimes Lack = "coarse-times" // times are kept to 2 s
	NoOwners    Lack = "no-owners"    // nobody is kept from reading
	NoCase      Lack = "no-case"      // capital letters tell no names apart
	SmallFiles  Lack = "small-files"  // no file of 4 GiB or more
)

// Lacks says what the file system of the place cannot keep, as far as its name
// tells: FAT and exFAT as their specifications have it, NTFS and network folders
// as Linux mounts them without further words.
func (p *Place) Lacks() []Lack {
	switch strings.TrimPrefix(p.FSType, "fuse.") {
	case "vfat", "msdos", "fat", "umsdos":
		return []Lack{CoarseTimes, SmallFiles, NoCase, NoOwners}
	case "exfat":
		return []Lack{NoCase, NoOwners}
	case "cifs", "smb3":
		return []Lack{NoCase, NoOwners}
	case "ntfs", "ntfs3", "ntfs-3g", "hfsplus":
		return []Lack{NoCase}
	}
	return nil
}

// Sentence says it to a person.
func (l Lack) Sentence() string {
	switch l {
	case CoarseTimes:
		return "this disk keeps times to 2 seconds; the exact ones stand in the copy's list"
	case NoOwners:
		return "this disk keeps no permissions: whoever holds it can read the copy"
	case NoCase:
		return "this disk does not tell capital letters apart: of two such names, one gets a number"
	case SmallFiles:
		return "this disk takes no file of 4 GB or more: a longer film is named as not copied"
	}
	return string(l)
}
