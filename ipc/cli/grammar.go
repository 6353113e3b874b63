package cli

import (
	"fmt"

	"github.com/alecthomas/kong"
)

// grammar is every verb and flag, in the order in which help shows them.
type grammar struct {
	JSON    bool        `name:"json" help:"Print JSON for programs."`
	Socket  string      `help:"Socket of the agent." placeholder:"PATH"`
	Version versionFlag `help:"Print the version."`

	Overview  overviewCmd  `cmd:"" default:"1" hidden:""`
	Accounts  accountsCmd  `cmd:"" help:"Show your accounts, or name one that is not on this device."`
	Plan      planCmd      `cmd:"" help:"What you would lose if the account were deleted now."`
	Leave     leaveCmd     `cmd:"" help:"Leave an account: walks through everything, and resumes where it stopped."`
	Status    statusCmd    `cmd:"" help:"How far you are, and what is left."`
	Items     itemsCmd     `cmd:"" help:"What was copied, or could not be."`
	Backup    backupCmd    `cmd:"" help:"Copy what is not in your copy yet."`
	Verify    verifyCmd    `cmd:"" help:"Read your copy back, every byte."`
	Where     whereCmd     `cmd:"" name:"destination" help:"Choose the folder for your copy, see which disks are plugged in, or take one away safely."`
	Sources   sourcesCmd   `cmd:"" help:"Folders and files that hold data of an account."`
	Devices   devicesCmd   `cmd:"" help:"Your other devices, and what became of them."`
	Ack       ackCmd       `cmd:"" help:"Answer one question by name."`
	Authorize authorizeCmd `cmd:"" help:"Authorise what cannot be undone, and the answers that you gave."`
	Permit    permitCmd    `cmd:"" help:"A signed statement that the account may be deleted."`
	Submitted submittedCmd `cmd:"" help:"Say that you asked the provider to delete the account."`
	Cancel    cancelCmd    `cmd:"" help:"Stop leaving an account. Your copy stays."`
	Restore   restoreCmd   `cmd:"" help:"Bring back what a copy holds, or try whether that works."`
	Providers providersCmd `cmd:"" help:"What is known about the providers, and files that add to it."`
	Doctor    doctorCmd    `cmd:"" help:"Whether the agent is well."`
	Keys      keysCmd      `cmd:"" help:"The public keys that permits and proofs are checked with."`

	VersionVerb versionCmd    `cmd:"" name:"version" help:"The versions of this command and of the agent."`
	Completion  completionCmd `cmd:"" help:"A script that completes commands in bash."`
	Man         manCmd        `cmd:"" help:"The manual page."`
}

// versionFlag prints the version and ends, without asking the agent.
type versionFlag bool

// BeforeReset runs as soon as the flag is seen.
func (versionFlag) BeforeReset(app *kong.Kong, vars kong.Vars) error {
	fmt.Fprintln(app.Stdout, "clearance", vars["version"])
	app.Exit(0)
	return nil
}
