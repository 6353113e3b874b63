// Package cli is the command line: verbs over the agent's socket, in the words
// that a person reads.
//
// It imports the agent's types, ipc/api and ipc/client, and links no cgo.
//
// Invariants:
//   - A password is read from a terminal without echo or from a file, and is
//     never in an argument, the environment or any output.
//   - The domain's own words that people do not use (words.go) reach no output
//     but that of --json; a test reads every text for them.
//   - Every refusal names one next command, and every end has an exit code of
//     ipc/api.
//   - leave can be interrupted at any moment and resumes where it stopped: it
//     keeps nothing itself, all that it knows is asked of the agent.
package cli
