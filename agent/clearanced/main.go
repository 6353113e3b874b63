// Command clearanced is the agent. It wires the core to this device and serves
// the socket; it holds no logic of its own.
//
// With --user it is the agent of one person: the worker runs in it, and the
// person's own uid is its owner. Without, it is the device's agent.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/kardianos/service"

	"github.com/clearance-project/clearance/agent/clearanced/commandline"
	"github.com/clearance-project/clearance/agent/clearanced/unit"
)

// version is set when a release is built.
var version = "0.1.0-dev"

func main() {
	line, err := commandline.Parse(os.Args[1:])
	switch {
	case errors.Is(err, commandline.ErrHelp):
		fmt.Print(commandline.Usage)
		return
	case err == nil && line.Version:
		fmt.Println(version)
		return
	case err == nil:
		err = control(line, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "clearanced:", err)
		os.Exit(1)
	}
}

// control runs one verb.
func control(line commandline.Line, out io.Writer) error {
	template, args := unit.Template(), []string{"run"}
	if line.User {
		template, args = unit.UserTemplate(), []string{"run", "--user"}
	}
	s, err := service.New(&program{line: line}, &service.Config{
		Name: unit.Name, DisplayName: "Clearance", Description: "Clearance agent: makes leaving a cloud account safe",
		Arguments: args, Option: service.KeyValue{"SystemdScript": template, "UserService": line.User},
	})
	if err != nil {
		return fmt.Errorf("cannot speak with this device's service manager: %w", err)
	}
	switch line.Verb {
	case "run":
		return s.Run()
	case "status":
		text, err := unit.Running(s)
		if err == nil {
			_, err = fmt.Fprintln(out, text)
		}
		return err
	case "install":
		if err := unit.Installable(line.User); err != nil {
			return err
		}
	}
	if err := service.Control(s, line.Verb); err != nil {
		return fmt.Errorf("cannot %s the service: %w", line.Verb, err)
	}
	return nil
}
