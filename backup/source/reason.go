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
	}
	return string(r)
}
