package nextcloudclient

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/text/unicode/norm"
)

// The limits of one conversation with a client.
const (
	askFor     = 5 * time.Second
	maxAnswer  = 64 << 10 // bytes of one line
	maxAnswers = 10_000   // lines until the one that was asked for
)

// client is a conversation with a client that runs.
type client struct {
	conn  *net.UnixConn
	lines *bufio.Scanner
	// inStep are the folders that it named of itself: those whose account is
	// connected, and that are not paused.
	inStep map[string]bool
}

// dial connects to the client of this name. ok is false where none listens. An
// error means that one does, and cannot be spoken with.
func dial(ctx context.Context, runtimeDir, name string) (c *client, ok bool, err error) {
	if runtimeDir == "" {
		return nil, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", filepath.Join(runtimeDir, name, "socket"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("cannot speak with %s: %w", name, err)
	}
	unixConn, isUnix := conn.(*net.UnixConn)
	if !isUnix {
		return nil, false, errors.Join(fmt.Errorf("cannot speak with %s: %T", name, conn), conn.Close())
	}
	if err := own(unixConn); err != nil {
		return nil, false, errors.Join(fmt.Errorf("cannot speak with %s: %w", name, err), conn.Close())
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxAnswer)
	return &client{conn: unixConn, lines: lines, inStep: map[string]bool{}}, true, nil
}

// own makes sure that the other end is a process of the same user.
func own(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var peerErr error
	err = raw.Control(func(fd uintptr) { peer, peerErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err := errors.Join(err, peerErr); err != nil {
		return err
	}
	if int64(peer.Uid) != int64(os.Geteuid()) {
		return fmt.Errorf("it belongs to another user's process (uid %d)", peer.Uid)
	}
	return nil
}

// The words of a client for a folder. There are others, for one that is done and
// has a trouble.
const (
	atWork  = "SYNC"
	notKept = "NOP" // it does not keep the folder in step, or not now
)

// status is what the client says of a folder. One that is not connected says OK of
// every folder, so only what it named of itself counts as kept in step. A mark
// that the folder is shared is taken off.
// Source: socketapi.cpp, slotNewConnection and command_RETRIEVE_FILE_STATUS.
func (c *client) status(ctx context.Context, folder string) (string, error) {
	until := time.Now().Add(askFor)
	if end, ok := ctx.Deadline(); ok && end.Before(until) {
		until = end
	}
	if strings.ContainsAny(folder, "\r\n") {
		return "", errors.New("a folder whose name has a line end cannot be asked for")
	}
	if err := c.conn.SetDeadline(until); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) }) // Ends the read below.
	defer stop()
	if _, err := fmt.Fprintf(c.conn, "RETRIEVE_FOLDER_STATUS:%s\n", folder); err != nil {
		return "", err
	}
	folder = norm.NFC.String(folder) // As the client reads it.
	for range maxAnswers {
		if !c.lines.Scan() {
			return "", errors.Join(errors.New("it hung up, or did not answer in time"), c.lines.Err())
		}
		if of, ok := strings.CutPrefix(c.lines.Text(), "REGISTER_PATH:"); ok {
			c.inStep[norm.NFC.String(filepath.Clean(of))] = true
		}
		status, of, ok := parseStatus(c.lines.Text())
		if !ok || norm.NFC.String(of) != folder {
			continue
		}
		if status != atWork && !c.inStep[folder] {
			return notKept, nil
		}
		return status, nil
	}
	return "", errors.New("it answers something else than was asked")
}

// parseStatus takes apart "STATUS:SYNC+SWM:/home/me/Nextcloud".
func parseStatus(line string) (status, folder string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r"), "STATUS:")
	if !ok {
		return "", "", false
	}
	status, folder, ok = strings.Cut(rest, ":")
	status, _, _ = strings.Cut(status, "+")
	return status, filepath.Clean(folder), ok && status != ""
}

func (c *client) close() error { return c.conn.Close() }
