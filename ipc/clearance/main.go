// Command clearance is the command line: it asks the agent, and decides
// nothing itself. It imports ipc/cli and is built without cgo.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/clearance-project/clearance/ipc/cli"
)

// version is set by the linker; else it is that of the module.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	in, out := int(os.Stdin.Fd()), int(os.Stdout.Fd())
	app := &cli.App{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Terminal: term.IsTerminal(in) && term.IsTerminal(out),
		Runtime:  os.Getenv("XDG_RUNTIME_DIR"),
		Version:  versionText(), Now: time.Now,
	}
	if term.IsTerminal(in) {
		app.Password = cli.Secret(in)
	}
	os.Exit(app.Run(ctx, os.Args[1:]))
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
