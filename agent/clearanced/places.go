package main

import (
	"path/filepath"

	"github.com/clearance-project/clearance/ipc/api"
	"github.com/clearance-project/clearance/platform/xdg"
)

// places are where the agent's things are.
type places struct {
	user          bool
	state, socket string
	dirs          xdg.Dirs // the person's, with --user
}

func placesOf(g *grammar) (places, error) {
	p := places{user: g.User, state: "/var/lib/clearance", socket: "/run/clearance/agent.sock"}
	if g.User {
		dirs, err := xdg.User()
		if err != nil {
			return p, err
		}
		p.dirs, p.state, p.socket = dirs, filepath.Join(dirs.State, "clearance"), api.Socket(dirs.Runtime)
	}
	if g.State != "" {
		p.state = g.State
	}
	if g.Socket != "" {
		p.socket = g.Socket
	}
	return p, nil
}
