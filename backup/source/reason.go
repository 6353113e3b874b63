package source

// Sentence says a reason to a person.
func (r Reason) Sentence() string {
	switch r {
	case Special:
		return "it is no file but a pipe, a socket, a device, or the kernel at work"
	case LinkOutside:
		return "it is a link to somewhere else; give the folder that it leads to as well if you want what is there"
	case LinkBroken:
		return "it is a link to nothing"
	case Unreadable:
		return "it could not be read"
	case Changing:
		return "it was being changed each time it was read"
	case Vanished:
		return "it was there, and was gone before it could be copied"
	case TooLarge:
		return "it is too large"
	case OnlyInCloud:
		return "it only stands for a file that is still in the cloud; let the cloud's program download it first"
	case OnlyThumb:
		return "it is a small picture that a program made of a photo, not the photo"
	case NoteFile:
		return "a note shows a file that is not there"
	case UnsafeName:
		return "its name in the archive leads to another place; an honest export has no such name"
	case ArchivedLink:
		return "the archive holds a link in its place; find the file that it leads to"
	case Encrypted:
		return "it is locked with a password in the archive; unpack it and give the folder"
	case Nested:
		return "it is an archive in the archive; unpack it and give the folder as well if you want what is in it counted"
	case NotExported:
		return "the export lists it and does not hold it; download it by hand, or export it again"
	}
	return string(r)
}
