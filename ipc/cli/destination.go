package cli

import (
	"fmt"
	"path/filepath"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

type whereCmd struct {
	Account string `arg:"" optional:"" help:"The account, where you are leaving more than one."`
	Folder  string `arg:"" optional:"" help:"The folder, best on another disk; without one, the disks that are plugged in are shown."`
	Eject   bool   `help:"Take the disk of your copy away: it is unmounted and switched off, and you may unplug it."`
}

// Run chooses the folder, shows the disks to choose from, or takes one away.
func (c whereCmd) Run(s *session) error {
	switch {
	case c.Eject && c.Folder != "":
		return &agent.Error{Kind: agent.KindInvalid, Text: "choosing a folder and taking its disk away do not go together"}
	case c.Eject:
		return s.eject(c.Account)
	case c.Folder == "":
		return s.showDisks(c.Account)
	}
	_, info, err := s.leavingOf(c.Account)
	if err != nil {
		return err
	}
	if info, err = s.place(info, c.Folder); err != nil {
		return err
	}
	s.give("departure", info, func() {})
	return nil
}

// place sets the folder for the copy.
func (s *session) place(info agent.DepartureInfo, folder string) (agent.DepartureInfo, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return info, fmt.Errorf("cannot find the folder: %w", err)
	}
	if info, err = s.client.SetDestination(s.ctx, info.Departure.ID, folder); err != nil {
		return info, err
	}
	s.say("Your copy goes to %s.", printable(folder))
	s.sayLacks(info)
	return info, nil
}

// showDisks shows the disks that a copy could go to.
func (s *session) showDisks(name string) error {
	account := "ACCOUNT"
	if name != "" {
		a, err := s.account(name)
		if err != nil {
			return err
		}
		account = a.Identity
	}
	disks, err := s.client.Disks(s.ctx)
	if err != nil {
		return err
	}
	s.give("disks", disks, func() {
		next := ""
		for i := range disks {
			s.say("  %s", diskLine(&disks[i]))
			if d := &disks[i]; next == "" && d.Folder != "" && !d.ReadOnly {
				next = d.Folder
			}
		}
		switch {
		case len(disks) == 0:
			s.say("No disk is plugged in. Plug one in, and run this again.")
		case next == "":
			s.say("None of them can be written to as it is. Open one in your file manager, and run this again.")
		default:
			s.say("Next: `%s`", departure.Command("destination", departure.Account{Identity: account}, printable(next)))
		}
	})
	return nil
}

// offerDisks shows the disks before the question where the copy should go. Where
// nobody can tell them the question is asked all the same.
func (s *session) offerDisks() {
	disks, err := s.client.Disks(s.ctx)
	if err != nil || len(disks) == 0 {
		return
	}
	s.say("Plugged in:")
	for i := range disks {
		s.say("  %s", diskLine(&disks[i]))
	}
}

// diskLine is one disk as a person chooses it: by its name, and by its room.
func diskLine(d *agent.Disk) string {
	name := printable(d.Label)
	switch {
	case d.Folder == "":
		return fmt.Sprintf("%s, %s: not opened yet; open it in your file manager first", name, size(d.Size))
	case d.ReadOnly:
		return fmt.Sprintf("%s, in %s: cannot be written to", name, printable(d.Folder))
	}
	return fmt.Sprintf("%s: %s free of %s, in %s", name, size(d.Free), size(d.Size), printable(d.Folder))
}

// eject takes the disk of a copy away, also after the leaving has ended.
func (s *session) eject(name string) error {
	info, err := s.lastLeaving(name)
	if err != nil {
		return err
	}
	job, err := s.client.Eject(s.ctx, info.Departure.ID)
	if err != nil {
		return err
	}
	if job, err = s.client.Wait(s.ctx, job, nil); err != nil {
		return err
	}
	if job.Ejected == nil {
		return errNoResult
	}
	s.give("ejected", job.Ejected, func() {
		done := job.Ejected
		label := printable(done.Label)
		if done.Off {
			s.say("Everything is written, and %s is switched off: you may unplug it.", label)
		} else {
			s.say("Everything is written, and you may unplug %s (%s).", label, printable(done.Why))
		}
		if info.State == engine.Open && info.Departure.Intent == departure.Delete {
			s.say("Plug it in again before you delete the account: your copy is looked at once more then.")
		}
	})
	return nil
}

// lastLeaving is the open leaving of an account, or the last one that ended.
func (s *session) lastLeaving(name string) (agent.DepartureInfo, error) {
	_, info, err := s.leavingOf(name)
	if err == nil {
		return info, nil
	}
	all, listErr := s.everyLeaving()
	if listErr != nil {
		return info, listErr
	}
	want := ""
	if name != "" {
		account, err := s.account(name)
		if err != nil {
			return info, err
		}
		want = account.ID
	}
	for _, d := range all { // the newest first
		if d.Destination.Folder != "" && (want == "" || d.Departure.Account.ID == want) {
			return d, nil
		}
	}
	return info, err
}
