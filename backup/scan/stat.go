package scan

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Stat is what the system says of a regular file, as far as a change of it
// would show. Size is in bytes, times are nanoseconds since 1970.
type Stat struct {
	Dev     uint64
	Ino     uint64
	Size    int64
	MtimeNS int64
	CtimeNS int64
	// Fine: its stamps are known to move with every tick of the kernel.
	Fine bool
}

// FromUnix takes the fields of a stat structure that [Stat] keeps.
func FromUnix(st *unix.Stat_t) Stat {
	return Stat{
		Dev: st.Dev, Ino: st.Ino, Size: st.Size,
		MtimeNS: st.Mtim.Nano(), CtimeNS: st.Ctim.Nano(),
	}
}

// Rev is the stat key: size, mtime, ctime and inode. The device number is left
// out, for it changes when a disk is plugged in again.
func (s Stat) Rev() string {
	b := make([]byte, 0, 64)
	b = strconv.AppendInt(b, s.Size, 36)
	b = append(b, '.')
	b = strconv.AppendInt(b, s.MtimeNS, 36)
	b = append(b, '.')
	b = strconv.AppendInt(b, s.CtimeNS, 36)
	b = append(b, '.')
	b = strconv.AppendUint(b, s.Ino, 36)
	return string(b)
}

// ModTime is the modification time in UTC.
func (s Stat) ModTime() time.Time { return time.Unix(0, s.MtimeNS).UTC() }
