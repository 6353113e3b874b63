package stage

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"

	"github.com/clearance-project/clearance/ipc/client"
)

// Client is a client of the agent as the person of the session: the agent
// answers nobody else, not even root.
func (s *Stage) Client() (*client.Client, error) {
	if s.As == nil {
		return client.New(s.Socket()), nil
	}
	at := filepath.Join(s.Root, "person.sock")
	if s.relay != nil {
		return client.New(at), nil
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	f, err := l.File()
	if err = errors.Join(err, l.Close()); err != nil {
		return nil, err
	}
	cmd := s.Session.Command(context.Background(), filepath.Join(s.Bin, "relay"), s.Socket())
	cmd.ExtraFiles = []*os.File{f}
	s.relay, err = launch(cmd, filepath.Join(s.Root, "relay.log"))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.relay.stop)
	return client.New(at), nil
}
