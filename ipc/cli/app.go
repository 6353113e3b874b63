package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/ipc/api"
	"github.com/clearance-project/clearance/ipc/client"
)

// App is the command line with what it is connected to.
type App struct {
	In       io.Reader
	Out, Err io.Writer
	// Terminal: a person reads Out and answers on In.
	Terminal bool
	// Password reads a line without echo; nil where there is no terminal.
	Password func(ctx context.Context) (string, error)
	Runtime  string // $XDG_RUNTIME_DIR
	Version  string
	Now      func() time.Time
}

// ended carries an exit code out of a parser that wants to end the program.
type ended int

// misused says what is wrong with a command line: a verb that lacks its account
// is the one that people meet.
func misused(err error) *agent.Error {
	if strings.HasPrefix(err.Error(), `expected "<account>`) {
		return &agent.Error{Kind: agent.KindInvalid, Text: "say which account",
			Remedy: &departure.Remedy{Code: "accounts", Text: "see your accounts", Command: "clearance accounts"}}
	}
	return &agent.Error{Kind: agent.KindInvalid, Text: err.Error(),
		Remedy: &departure.Remedy{Code: "help", Text: "see what there is", Command: "clearance --help"}}
}

// Run is one command. It returns the exit code.
func (a *App) Run(ctx context.Context, args []string) (code int) {
	defer func() {
		if fault := recover(); fault != nil {
			end, ok := fault.(ended)
			if !ok {
				panic(fault)
			}
			code = int(end)
		}
	}()
	grammar := grammar{}
	parser, err := a.parser(&grammar)
	if err != nil {
		fmt.Fprintln(a.Err, "clearance:", err)
		return api.ExitUsage
	}
	parsed, err := parser.Parse(args)
	s := a.session(ctx, &grammar)
	defer s.client.Close()
	if err != nil {
		return s.fail(misused(err))
	}
	return s.fail(parsed.Run(s))
}

func (a *App) parser(grammar *grammar) (*kong.Kong, error) {
	return kong.New(grammar,
		kong.Name("clearance"),
		kong.Description("Leave a cloud account without losing anything: your data is copied and read back, Find My Device is turned off, this device is signed out, and only then are you told that you may delete the account."),
		kong.Writers(a.Out, a.Err),
		kong.Exit(func(code int) { panic(ended(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Vars{"version": a.Version, "steps": stepNames()},
	)
}

func (a *App) session(ctx context.Context, g *grammar) *session {
	socket := g.Socket
	if socket == "" {
		socket = api.Socket(a.Runtime)
	}
	s := &session{ctx: ctx, client: client.New(socket), out: a.Out, err: a.Err, now: a.Now,
		json: g.JSON, terminal: a.Terminal && !g.JSON, version: a.Version}
	s.questions = &questions{out: a.Out, lines: newLines(a.In), password: a.Password, open: s.terminal}
	return s
}

// session is one command under way.
type session struct {
	ctx       context.Context
	client    *client.Client
	out, err  io.Writer
	now       func() time.Time
	json      bool
	terminal  bool
	version   string
	questions *questions
	resume    string // how to go on after an interruption
}

// exit is an error that says nothing more: the answer was printed.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// fail prints why a command ended and returns its exit code.
func (s *session) fail(err error) int {
	if err == nil {
		return api.ExitOK
	}
	if code, ok := errors.AsType[exit](err); ok {
		return int(code)
	}
	if errors.Is(err, context.Canceled) || s.ctx.Err() != nil {
		err = s.interrupted()
	}
	told := api.Tell(err)
	if _, known := errors.AsType[*agent.Error](err); !known {
		told = &agent.Error{Kind: agent.KindInternal, Text: err.Error()}
	}
	if s.json {
		s.document("error", told)
	} else {
		s.refuse(told)
	}
	return api.OutcomeOf(told.Kind).Exit
}

func (s *session) interrupted() *agent.Error {
	e := &agent.Error{Kind: agent.KindStale, Text: "stopped"}
	if s.resume != "" {
		e.Text = "stopped; what is done stays done"
		e.Remedy = &departure.Remedy{Code: "resume", Text: "go on where it stopped", Command: s.resume}
	}
	return e
}
