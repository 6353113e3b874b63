// Command clearanced is the agent. It wires the core to this device and serves
// the socket; it holds no logic of its own.
//
// With --user it is the agent of one person: the worker runs in it, and the
// person's own uid is its owner. Without, it is the device's agent.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
	"github.com/kardianos/service"

	"github.com/clearance-project/clearance/agent/clearanced/unit"
)

// version is set when a release is built.
var version = "0.1.0-dev"

type grammar struct {
	User    bool             `help:"The agent of one person, without root."`
	State   string           `help:"Folder for what the agent keeps." placeholder:"FOLDER"`
	Socket  string           `help:"Where to listen." placeholder:"PATH"`
	Version kong.VersionFlag `help:"Print the version and end."`

	Run       struct{} `cmd:"" default:"1" help:"Run the agent until it is told to stop."`
	Install   struct{} `cmd:"" help:"Install it as a service that starts by itself."`
	Uninstall struct{} `cmd:"" help:"Take the service away again. What the agent keeps stays."`
	Start     struct{} `cmd:"" help:"Start the installed service."`
	Stop      struct{} `cmd:"" help:"Stop the installed service."`
	Status    struct{} `cmd:"" help:"Say whether the installed service runs."`
}

func main() {
	var g grammar
	k := kong.Parse(&g, kong.Name("clearanced"), kong.Vars{"version": version},
		kong.Description("Clearance's agent: it makes leaving a cloud account safe. The command line to it is clearance."))
	if err := control(&g, k.Command(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "clearanced:", err)
		os.Exit(1)
	}
}

// control runs one verb.
func control(g *grammar, verb string, out io.Writer) error {
	template, args := unit.Template(), []string{"run"}
	if g.User {
		template, args = unit.UserTemplate(), []string{"run", "--user"}
	}
	s, err := service.New(&program{grammar: g}, &service.Config{
		Name: unit.Name, DisplayName: "Clearance", Description: "Clearance agent: makes leaving a cloud account safe",
		Arguments: args, Option: service.KeyValue{"SystemdScript": template, "UserService": g.User},
	})
	if err != nil {
		return fmt.Errorf("cannot speak with this device's service manager: %w", err)
	}
	switch verb {
	case "run":
		return s.Run()
	case "status":
		text, err := unit.Running(s)
		if err == nil {
			_, err = fmt.Fprintln(out, text)
		}
		return err
	case "install":
		if err := unit.Installable(g.User); err != nil {
			return err
		}
	}
	if err := service.Control(s, verb); err != nil {
		return fmt.Errorf("cannot %s the service: %w", verb, err)
	}
	return nil
}
