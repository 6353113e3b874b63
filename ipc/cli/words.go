package cli

import (
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// unspoken are the domain's words that a person never reads (domain.md).
var unspoken = []string{
	"bag", "binding", "dataset", "departure", "epoch", "evidence", "fate",
	"grant", "ledger", "receipt", "roster", "seal", "unbind",
}

// step is one step as a person names it and reads it.
type step struct {
	id    departure.Step
	name  string // to type
	doing string // while it runs
}

var steps = []step{
	{departure.StepInventory, "look", "Looking"},
	{departure.StepBackup, "copy", "Copying"},
	{departure.StepVerify, "read-back", "Reading back"},
	{departure.StepKeep, "keep", "Keeping on this device"},
	{departure.StepAcknowledge, "answers", "Waiting for your answers"},
	{departure.StepAuthorize, "authorise", "Waiting for your authorisation"},
	{departure.StepSeal, "last-look", "Last look"},
	{departure.StepFindMyDevice, "find-my-device", "Turning Find My Device off"},
	{departure.StepUnbind, "sign-out", "Signing out here"},
	{departure.StepRecheck, "recheck", "Checking that nothing is left"},
	{departure.StepPermit, "ready", "Checking whether you may delete"},
	{departure.StepTrack, "end", "Waiting for the deletion"},
}

// stepNames are what a person may type for a step.
func stepNames() string {
	names := make([]string, 0, len(steps))
	for _, s := range steps {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// stepNamed finds a step by its spoken name or by its own.
func stepNamed(name string) (departure.Step, bool) {
	for _, s := range steps {
		if name == s.name || name == string(s.id) {
			return s.id, true
		}
	}
	return "", false
}

// restoring is no step of a leaving, and cannot be gone to.
var restoring = step{engine.StepRestore, "restore", "Restoring"}

func spokenStep(id departure.Step) step {
	if id == restoring.id {
		return restoring
	}
	for _, s := range steps {
		if s.id == id {
			return s
		}
	}
	return step{id: id, name: "step", doing: "Working"}
}

// intents are what a person may want, as they are shown.
var intents = []struct {
	id   departure.Intent
	text string
}{
	{departure.SignOut, "sign out here; the account lives on (if you are unsure, take this)"},
	{departure.Switch, "sign out here and use another account"},
	{departure.Delete, "delete the account for good"},
}

// kinds are the kinds of data with one and many of them.
var kinds = map[departure.Dataset][2]string{
	departure.Photos:    {"photo", "photos"},
	departure.Contacts:  {"contact", "contacts"},
	departure.Notes:     {"note", "notes"},
	departure.Calendars: {"calendar entry", "calendar entries"},
	departure.Files:     {"other file", "other files"},
}
