package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/term"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/ipc/api"
	"github.com/clearance-project/clearance/ipc/apitest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"clearance": command, "fakeagent": fakeAgent})
}

// exitBanned is the exit code of a command that said a word which people do
// not use.
const exitBanned = 99

var banned = regexp.MustCompile(`(?i)\b(` + strings.Join(unspoken, "|") + `)(e?s)?\b`)

// command is the command line as a program, its output read for words that a
// person must not meet.
func command() { os.Exit(commandCode()) }

func commandCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var said bytes.Buffer
	app := &App{In: os.Stdin, Out: io.MultiWriter(os.Stdout, &said), Err: io.MultiWriter(os.Stderr, &said),
		Runtime: os.Getenv("XDG_RUNTIME_DIR"), Version: "test", Now: time.Now}
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) { // testscript gives a terminal to stdin alone
		tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		app.Terminal, app.Password, app.Out = true, Secret(in), io.MultiWriter(tty, &said)
	}
	code := app.Run(ctx, os.Args[1:])
	forPrograms := slices.Contains(os.Args, "--json") || slices.Contains(os.Args, "schema") // a JSON Schema names fields
	if word := banned.FindString(said.String()); word != "" && !forPrograms {
		fmt.Fprintf(os.Stderr, "a person read the word %q\n", word)
		code = exitBanned
	}
	if strings.Contains(said.String(), apitest.Password) {
		fmt.Fprintln(os.Stderr, "the password was shown")
		code = exitBanned
	}
	return code
}

// fakeAgent serves a world until it is interrupted. Files in its folder steer
// it: "held" appears when a step is held, "hidden" when the accounts are;
// "release", "photo" and "hide" are orders.
func fakeAgent() {
	if err := serveWorld(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveWorld() error {
	hold := flag.String("hold", "", "step to hold")
	fail := flag.Int64("fail", 0, "photos that cannot be copied")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	world := apitest.NewWorld()
	world.FailPhotos(*fail)
	var held <-chan departure.Step
	if *hold != "" {
		held = world.Hold(departure.Step(*hold))
	}
	running, err := apitest.Start(ctx, api.Socket(os.Getenv("XDG_RUNTIME_DIR")), world)
	if err != nil {
		return err
	}
	orders := time.NewTicker(10 * time.Millisecond)
	defer orders.Stop()
	for ctx.Err() == nil {
		select {
		case <-held:
			err = errors.Join(err, os.WriteFile("held", nil, 0o600))
		case <-orders.C:
			if os.Remove("release") == nil {
				world.Release(departure.Step(*hold))
			}
			if os.Remove("photo") == nil {
				world.AddPhoto()
			}
			if os.Remove("hide") == nil {
				world.HideAccounts()
				err = errors.Join(err, os.WriteFile("hidden", nil, 0o600))
			}
		case <-ctx.Done():
		}
	}
	return errors.Join(err, running.Stop())
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_RUNTIME_DIR", filepath.Join(env.WorkDir, "run"))
			return os.Mkdir(filepath.Join(env.WorkDir, "run"), 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits_, "await": await,
		},
		RequireExplicitExec: true,
	})
}

// exits_ runs a command and wants an exit code: exits CODE COMMAND...
func exits_(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("it ended with %d, not %d", got, want)
	}
}

// await waits until a file is there.
func await(ts *testscript.TestScript, _ bool, args []string) {
	deadline, again := time.After(30*time.Second), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			ts.Fatalf("%s did not appear", args[0])
		}
	}
}
