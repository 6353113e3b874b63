package disk

import (
	"slices"

	"golang.org/x/sys/unix"
)

// whole are the file systems of which syncfs(2) reaches the disk (statfs(2)).
// With others, such as one in a program (FUSE) or on a server (CIFS, NFS), it
// only hands what the kernel holds to whoever keeps it; an overlay does not tell
// what it lies on.
var whole = []int64{
	0xef53,     // ext2, ext3, ext4
	0x58465342, // XFS
	0x9123683e, // Btrfs
	0xf2f52010, // F2FS
	0xca451a4e, // bcachefs
	0x2fc12fc1, // ZFS
	0x4d44,     // FAT
	0x2011bab0, // exFAT
	0x7366746e, // NTFS of the kernel
	0x01021994, // tmpfs, where nothing is ever more durable
}

func (s *system) SyncsAll() bool {
	d, err := s.dir(".")
	if err != nil {
		return false
	}
	defer d.release()
	var st unix.Statfs_t
	for {
		err := unix.Fstatfs(d.fd, &st)
		if err == unix.EINTR {
			continue
		}
		return err == nil && slices.Contains(whole, st.Type)
	}
}
