// Command stub is installed, started and stopped like clearanced.
package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/kardianos/service"

	"github.com/clearance-project/clearance/agent/clearanced/unit"
)

type program struct{ l net.Listener }

func (p *program) Start(service.Service) error {
	l, err := net.Listen("unix", "/run/clearance/agent.sock")
	if err != nil {
		return err
	}
	p.l = l
	if err := os.WriteFile("/var/lib/clearance/state", []byte("x"), 0o600); err != nil {
		return err
	}
	_, err = daemon.SdNotify(false, daemon.SdNotifyReady)
	return err
}

func (p *program) Stop(service.Service) error { return p.l.Close() }

func run(verb string) error {
	s, err := service.New(&program{}, &service.Config{
		Name: unit.Name, Description: "Clearance agent", Arguments: []string{"run"},
		Option: service.KeyValue{"SystemdScript": unit.Template()},
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
		if path, found := unit.Packaged(unit.SystemDirs...); found {
			return fmt.Errorf("cannot install: %s came with a package", path)
		}
		exe, err := os.Executable()
		if err != nil {
			return err
		}
		if exe, err = filepath.EvalSymlinks(exe); err != nil {
			return err
		}
		if err := unit.CheckProgram(exe); err != nil {
			return err
		}
	}
	return service.Control(s, verb)
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
