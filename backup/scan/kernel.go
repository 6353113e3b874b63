package scan

import (
	"errors"

	"golang.org/x/sys/unix"
)

// errKernel says that a folder shows the kernel: its files are made as they are
// read, some of them without end.
var errKernel = errors.New("it holds no files, but shows the kernel at work")

// kernelShows reports whether the open folder lies on a file system in which the
// kernel shows itself (linux/magic.h).
func kernelShows(fd int) bool {
	var st unix.Statfs_t
	if unix.Fstatfs(fd, &st) != nil {
		return false
	}
	switch uint32(st.Type) {
	case unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC, unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC, unix.DEBUGFS_MAGIC,
		unix.TRACEFS_MAGIC, unix.SECURITYFS_MAGIC, unix.SELINUX_MAGIC, unix.BPF_FS_MAGIC, unix.PSTOREFS_MAGIC,
		unix.EFIVARFS_MAGIC, unix.DEVPTS_SUPER_MAGIC, unix.BINFMTFS_MAGIC, unix.NSFS_MAGIC:
		return true
	}
	return false
}

// kernel is kernelShows for a folder of the walk. Only a mount can change what a
// folder lies on, and a mount has a device number of its own.
func (w *walk) kernel(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Dev != w.root.stat.Dev && kernelShows(fd)
}
