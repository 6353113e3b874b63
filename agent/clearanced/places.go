package main

import (
	"path/filepath"

	"github.com/clearance-project/clearance/agent/clearanced/commandline"
	"github.com/clearance-project/clearance/ipc/api"
	"github.com/clearance-project/clearance/platform/xdg"
)

// places are where the agent's things are.
type places struct {
	user          bool
	state, socket string
	dirs          xdg.Dirs // the person's, with --user
}

func placesOf(line commandline.Line) (places, error) {
	p := places{user: line.User, state: "/var/lib/clearance", socket: "/run/clearance/agent.sock"}
	if line.User {
		dirs, err := xdg.User()
		if err != nil {
			return p, err
		}
		p.dirs, p.state, p.socket = dirs, filepath.Join(dirs.State, "clearance"), api.Socket(dirs.Runtime)
	}
	if line.State != "" {
		p.state = line.State
	}
	if line.Socket != "" {
		p.socket = line.Socket
	}
	return p, nil
}
