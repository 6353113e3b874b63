package session

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// Credential is the user that processes run as. It must be in the password
// database: dbus-daemon refuses to start for a number that is not.
type Credential struct {
	UID, GID uint32
}

// LookupCredential finds a user by name.
func LookupCredential(name string) (*Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("cannot find the user to run as: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("cannot read the uid of %s: %w", name, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("cannot read the gid of %s: %w", name, err)
	}
	return &Credential{UID: uint32(uid), GID: uint32(gid)}, nil
}

// ErrRoot is returned for a session that would run as root.
var ErrRoot = errors.New("cannot start a private session as root: desktop services must run as an unprivileged user")

func checkUser(as *Credential) error {
	switch {
	case as == nil && os.Geteuid() == 0, as != nil && as.UID == 0:
		return ErrRoot
	case as != nil && os.Geteuid() != 0 && int(as.UID) != os.Geteuid():
		return fmt.Errorf("cannot start a private session as uid %d: only root may run it as another user", as.UID)
	}
	return nil
}
