// Package commandline reads what clearanced was told when it was started.
//
// It may import the standard library alone. The invariant: what it does not know
// is refused, never passed over. It reads with package flag: what reads the
// command line of clearance stays in memory as long as the program runs, which
// is a moment there and months here.
package commandline

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Line is what a command line says.
type Line struct {
	User    bool   // the agent of one person
	State   string // the folder for what the agent keeps; empty: the usual one
	Socket  string // where to listen; empty: the usual place
	Version bool   // only say the version
	Verb    string // one of Verbs
}

// Verbs are what clearanced can be told to do. The first is meant where none is
// given.
var Verbs = []string{"run", "install", "uninstall", "start", "stop", "status"}

// Usage is the help, for people.
const Usage = `Usage: clearanced [flags] [command]

Clearance's agent: it makes leaving a cloud account safe. The command line to it
is clearance.

Flags:
  -h, --help            Show this help.
      --user            The agent of one person, without root.
      --state=FOLDER    Folder for what the agent keeps.
      --socket=PATH     Where to listen.
      --version         Print the version and end.

Commands:
  run          Run the agent until it is told to stop (this is meant where none is given).
  install      Install it as a service that starts by itself.
  uninstall    Take the service away again. What the agent keeps stays.
  start        Start the installed service.
  stop         Stop the installed service.
  status       Say whether the installed service runs.
`

// ErrHelp means that the help was asked for.
var ErrHelp = flag.ErrHelp

// Parse reads the arguments after the program's name. Flags may stand before and
// after the verb.
func Parse(args []string) (Line, error) {
	var l Line
	flags := flag.NewFlagSet("clearanced", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller says what is wrong
	flags.BoolVar(&l.User, "user", false, "")
	flags.StringVar(&l.State, "state", "", "")
	flags.StringVar(&l.Socket, "socket", "", "")
	flags.BoolVar(&l.Version, "version", false, "")
	for {
		err := flags.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			return Line{}, ErrHelp
		}
		if err != nil {
			return Line{}, fmt.Errorf("cannot read the command line: %w; clearanced --help lists what there is", err)
		}
		if flags.NArg() == 0 {
			break
		}
		verb := flags.Arg(0)
		if l.Verb != "" || !slices.Contains(Verbs, verb) {
			return Line{}, fmt.Errorf("cannot do %q: the commands are %s, one at a time", verb, strings.Join(Verbs, ", "))
		}
		l.Verb, args = verb, flags.Args()[1:]
	}
	if l.Verb == "" {
		l.Verb = Verbs[0]
	}
	return l, nil
}
