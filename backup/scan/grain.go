package scan

import (
	"time"

	"golang.org/x/sys/unix"
)

// How long after a stamp a later write could still carry the same one.
//
// Unknown is coarse: FAT keeps modification times in steps of 2 s (Microsoft,
// "FAT: General Overview of On-Disk Format", 1.03, page 25), exFAT of 10 ms, ext4
// with inodes of 128 bytes of 1 s (kernel, Documentation/filesystems/ext4/
// inodes.rst, "Inode Timestamps"), and a server or a process in user space may
// do as it likes.
//
// Fine stamps are the kernel's clock as of its last tick, 1 to 10 ms ago
// (CONFIG_HZ; current_time in fs/inode.c), from Linux 6.13 on finer once somebody
// looked (Documentation/filesystems/multigrain-ts.rst). Ten times that is enough.
//
// What neither covers: a single write that lasts longer than this carries the
// stamp of its beginning, and a write through a mapping that of its first touch
// of a page. The seal reads every byte again, whatever its stamps say.
const (
	coarse = 2 * time.Second
	fine   = 100 * time.Millisecond
)

// keepsFine reports whether the open folder lies on a local file system that
// stamps by the kernel's clock and keeps nanoseconds (linux/magic.h; bcachefs and
// ZFS name theirs in their own sources). An overlay says nothing of what it lies
// on, so it is none.
func keepsFine(fd int) bool {
	const bcachefs, zfs = 0xca451a4e, 0x2fc12fc1
	var st unix.Statfs_t
	if unix.Fstatfs(fd, &st) != nil {
		return false
	}
	switch uint32(st.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC, bcachefs, zfs:
		return true
	}
	return false
}

// stamped is [FromUnix] for a file beneath the root. One on another mount may have
// any grain; the stamp itself must show a fine one, for ext4 has both.
func (r *Root) stamped(st *unix.Stat_t) Stat {
	s := FromUnix(st)
	s.Fine = r.fine && s.Dev == r.stat.Dev && s.CtimeNS%int64(time.Millisecond) != 0
	return s
}

// Rest is how long from at on the file must rest before its stamps can be
// trusted: 0 where no later write could carry the same ones.
func (s Stat) Rest(at time.Time) time.Duration {
	grain := coarse
	if s.Fine {
		grain = fine
	}
	return max(near(s.MtimeNS, at, grain), near(s.CtimeNS, at, grain))
}

// Unsettled reports whether a stamp lies so near to at that a later write could
// carry the same one.
func (s Stat) Unsettled(at time.Time) bool { return s.Rest(at) > 0 }

// near is how long from at until a stamp lies further back than the grain. One
// that lies further ahead was not made by the clock.
func near(ns int64, at time.Time, grain time.Duration) time.Duration {
	d := time.Duration(at.UnixNano() - ns)
	if d > grain || d < -grain {
		return 0
	}
	return grain - d + 1
}
