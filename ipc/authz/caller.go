package authz

import (
	"net"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/agent"
)

// Caller is the process at the other end of a connection. The zero value is
// nobody.
type Caller struct {
	uid      uint32
	known    bool
	confined bool
}

// Peer is a caller whose uid a transport learnt from the kernel or the bus.
func Peer(uid uint32, confined bool) Caller {
	return Caller{uid: uid, known: true, confined: confined}
}

// UID is the caller's uid; ok is false for nobody.
func (c Caller) UID() (uid uint32, ok bool) { return c.uid, c.known }

// Confined reports whether the caller runs in a sandbox or in a namespace that
// is not ours, or could not be shown not to.
func (c Caller) Confined() bool { return c.confined || !c.known }

// Agent is the caller as the agent knows it.
func (c Caller) Agent() agent.Caller { return agent.Caller{UID: c.uid, Known: c.known} }

// OfConn asks the kernel who is at the other end of a unix socket: SO_PEERCRED,
// as it was when the peer connected. Any failure is nobody.
func OfConn(conn net.Conn) Caller {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return Caller{}
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return Caller{}
	}
	caller := Caller{}
	if err := raw.Control(func(fd uintptr) { caller = ofSocket(int(fd)) }); err != nil {
		return Caller{}
	}
	return caller
}

func ofSocket(fd int) Caller {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil || cred == nil {
		return Caller{}
	}
	return Peer(cred.Uid, confinedPeer(fd, cred.Pid))
}

// confinedPeer looks at the peer's process. The descriptor of the process is
// taken first and held against it afterwards: a number that was given to
// another process in between is not believed.
func confinedPeer(fd int, pid int32) bool {
	if pid <= 0 { // not in a pid namespace that we can see
		return true
	}
	pidfd, err := peerPidfd(fd, pid)
	if err != nil {
		return true
	}
	confined := confinedProcess("/proc", pid)
	alive := unix.PidfdSendSignal(pidfd, 0, nil, 0)
	if err := unix.Close(pidfd); err != nil {
		return true
	}
	return confined || (alive != nil && alive != unix.EPERM)
}

// peerPidfd is a descriptor of the process that connected: from the kernel
// since Linux 6.5, before that by its number.
func peerPidfd(fd int, pid int32) (int, error) {
	if pidfd, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEERPIDFD); err == nil {
		return pidfd, nil
	}
	return unix.PidfdOpen(int(pid), 0)
}
