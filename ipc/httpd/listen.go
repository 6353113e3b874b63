package httpd

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrAlreadyServed means that another agent answers at this socket.
var ErrAlreadyServed = errors.New("another agent is already running for this user")

// Listener is a unix socket that this process alone serves.
type Listener struct {
	*net.UnixListener
	lock *os.File
}

// Listen opens the socket at path, in a folder of mode 0700 that it makes
// where there is none, with mode 0600. The socket of an agent that died is
// taken over; while one lives, the error is [ErrAlreadyServed].
func Listen(path string) (*Listener, error) {
	listener, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen at %s: %w", path, err)
	}
	return listener, nil
}

func listen(path string) (*Listener, error) {
	if err := ownFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	lock, err := takeLock(path + ".lock")
	if err != nil {
		return nil, err
	}
	socket, err := bind(path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Listener{UnixListener: socket, lock: lock}, nil
}

// Close removes the socket and lets another agent serve. Once more is no error.
func (l *Listener) Close() error {
	return errors.Join(ignoreClosed(l.UnixListener.Close()), ignoreClosed(l.lock.Close()))
}

// ownFolder makes the folder, or makes sure that it is ours alone.
func ownFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	var stat unix.Stat_t
	if err := unix.Lstat(dir, &stat); err != nil {
		return err
	}
	if !info.IsDir() || stat.Uid != uint32(os.Geteuid()) {
		return fmt.Errorf("%s is not a folder of this user", dir)
	}
	return os.Chmod(dir, 0o700)
}

// takeLock holds a lock that the kernel drops when this process ends, however
// it ends.
func takeLock(path string) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrAlreadyServed
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

func bind(path string) (*net.UnixListener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, errors.New("there is something that is not a socket")
	default:
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return socket, nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
