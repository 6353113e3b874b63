// Command stub is installed, started and stopped like clearanced.
package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/kardianos/service"

	"github.com/clearance-project/clearance/agent/clearanced/unit"
)

type program struct{ l net.Listener }

func (p *program) Start(service.Service) error {
	l, err := net.Listen("unix", filepath.Join(os.Getenv("RUNTIME_DIRECTORY"), "agent.sock"))
	if err != nil {
		return err
	}
	p.l = l
	_, err = daemon.SdNotify(false, daemon.SdNotifyReady)
	return err
}

func (p *program) Stop(service.Service) error { return p.l.Close() }

func run(verb string, user bool) error {
	template, args, dirs := unit.Template(), []string{"run"}, unit.SystemDirs
	if user {
		template, args, dirs = unit.UserTemplate(), []string{"run", "--user"}, unit.UserDirs
	}
	s, err := service.New(&program{}, &service.Config{
		Name: unit.Name, Description: "Clearance agent", Arguments: args,
		Option: service.KeyValue{"SystemdScript": template, "UserService": user},
	})
	if err != nil {
		return err
	}
	switch verb {
	case "run":
		return s.Run()
	case "status":
		st, err := s.Status()
		fmt.Println(map[service.Status]string{service.StatusRunning: "running", service.StatusStopped: "stopped"}[st])
		return err
	case "install":
		if path, found := unit.Packaged(dirs...); found {
			return fmt.Errorf("cannot install: %s came with a package", path)
		}
		exe, err := os.Executable()
		if err != nil {
			return err
		}
		if exe, err = filepath.EvalSymlinks(exe); err != nil {
			return err
		}
		if user {
			break
		}
		if err := unit.CheckProgram(exe); err != nil {
			return err
		}
	}
	return service.Control(s, verb)
}

func main() {
	if err := run(os.Args[1], slices.Contains(os.Args, "--user")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
