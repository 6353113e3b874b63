package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/api"
)

type restoreCmd struct {
	From         string              `help:"The copy: its folder, or the disk that it is on. By default the one that this agent made." placeholder:"FOLDER"`
	To           string              `help:"Where to: a folder; a file that ends in .vcf or .ics; the word books, for this device's own address book, calendar, tasks and notes; or the https address of an address book at a server." placeholder:"PLACE"`
	Account      string              `help:"The account whose copy is meant, where there are several."`
	Only         []departure.Dataset `help:"Only photos, contacts, notes, calendars or files." placeholder:"KIND"`
	Book         []string            `help:"Only this folder, address book or calendar, by its name in the copy." placeholder:"NAME"`
	Since        string              `help:"Only what is of this day or later, such as 2024-05-01. A photo is of the day when it was taken, where it says so, else of the date of its file." placeholder:"DAY"`
	Until        string              `help:"Only what is of this day or earlier." placeholder:"DAY"`
	Search       string              `help:"Only what has this text in its name, or in a contact, note or calendar entry." placeholder:"TEXT"`
	Versions     bool                `help:"Older versions too, under names of their own."`
	AsOf         string              `help:"Everything as it was when it was copied by the end of this day." placeholder:"DAY"`
	DryRun       bool                `help:"Say what would be restored, and write nothing."`
	Drill        bool                `help:"Try it: restore everything twice into a place of its own, hold it against the copy, and take it away again."`
	Synced       bool                `help:"Allow a folder that is kept in step with a cloud."`
	User         string              `help:"Your name at the server." placeholder:"NAME"`
	PasswordFile string              `help:"File with your password at the server; - is standard input." placeholder:"FILE"`
}

// Run restores, foretells or drills.
func (c restoreCmd) Run(s *session) error {
	req, err := c.request(s)
	if err != nil {
		return err
	}
	s.resume = c.again()
	job, err := s.client.Restore(s.ctx, req)
	if err != nil {
		return err
	}
	if job, err = s.wait(job); err != nil {
		return err
	}
	if job.Restore == nil {
		return errNoResult
	}
	s.give("restore", job.Restore, func() { s.showRestore(job.Restore, c.again()) })
	if job.Restore.Outcome != engine.RestoreComplete {
		return exit(api.ExitNotReady)
	}
	return nil
}

func (c restoreCmd) request(s *session) (req agent.RestoreRequest, err error) {
	req = agent.RestoreRequest{Datasets: c.Only, Books: c.Book, Search: c.Search, AllVersions: c.Versions, DryRun: c.DryRun, Drill: c.Drill}
	if c.From != "" {
		if req.From, err = filepath.Abs(c.From); err != nil {
			return req, fmt.Errorf("cannot find the copy: %w", err)
		}
	}
	if c.Account != "" {
		account, err := s.account(c.Account)
		if err != nil {
			return req, err
		}
		req.Account = account.ID
	}
	if req.Since, err = day(c.Since, 0); err != nil {
		return req, err
	}
	if req.Until, err = day(c.Until, 1); err != nil {
		return req, err
	}
	if req.AsOf, err = day(c.AsOf, 1); err != nil {
		return req, err
	}
	req.To, err = c.target(s)
	return req, err
}

// day is the beginning of a day here, or that of the day after so many.
func day(text string, later int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, time.Local)
	if err != nil {
		return t, &agent.Error{Kind: agent.KindInvalid, Text: fmt.Sprintf("%q is no day: write it as 2024-05-01", text)}
	}
	return t.AddDate(0, 0, later), nil
}

func (c restoreCmd) target(s *session) (to engine.RestoreTarget, err error) {
	to.Synced = c.Synced
	switch lower := strings.ToLower(c.To); {
	case c.Drill:
		to.Kind = engine.ToFolder
		if c.To == "" {
			return to, nil
		}
	case c.To == "":
		return to, &agent.Error{Kind: agent.KindInvalid, Text: "say where to restore to",
			Remedy: &departure.Remedy{Code: "to", Text: "restore everything to a folder, after a look at what that would be", Command: "clearance restore --to FOLDER --dry-run"}}
	case c.To == string(engine.ToBooks):
		to.Kind = engine.ToBooks
		return to, nil
	case strings.HasPrefix(lower, "https://"), strings.HasPrefix(lower, "http://"):
		to.Kind, to.URL, to.User = engine.ToCardDAV, c.To, c.User
		to.Password, err = c.password(s)
		return to, err
	case strings.HasSuffix(lower, ".vcf"), strings.HasSuffix(lower, ".ics"):
		to.Kind = engine.ToFile
	default:
		to.Kind = engine.ToFolder
	}
	if to.Path, err = filepath.Abs(c.To); err != nil {
		err = fmt.Errorf("cannot find the place to restore to: %w", err)
	}
	return to, err
}

func (c restoreCmd) password(s *session) (string, error) {
	if c.User == "" {
		return "", &agent.Error{Kind: agent.KindInvalid, Text: "say who you are at that server",
			Remedy: &departure.Remedy{Code: "user", Text: "give your name there", Command: "clearance restore --to " + c.To + " --user NAME"}}
	}
	if c.PasswordFile != "" {
		return s.questions.secretFile(s.ctx, c.PasswordFile)
	}
	secret, err := s.questions.secret(s.ctx, "Your password at that server:")
	if err != nil {
		return "", &agent.Error{Kind: agent.KindInvalid, Text: "your password at that server is needed",
			Remedy: &departure.Remedy{Code: "password", Text: "give a file that holds it", Command: "clearance restore --to " + c.To + " --user " + c.User + " --password-file FILE"}}
	}
	return secret, nil
}

// again is this command, to be given once more.
func (c restoreCmd) again() string {
	words := []string{"clearance restore"}
	add := func(name, value string) {
		if value != "" {
			words = append(words, name, shellWord(value))
		}
	}
	add("--from", c.From)
	add("--to", c.To)
	add("--account", c.Account)
	for _, set := range c.Only {
		add("--only", string(set))
	}
	for _, b := range c.Book {
		add("--book", b)
	}
	add("--since", c.Since)
	add("--until", c.Until)
	add("--search", c.Search)
	add("--as-of", c.AsOf)
	add("--user", c.User)
	add("--password-file", c.PasswordFile)
	for name, on := range map[string]bool{"--versions": c.Versions, "--synced": c.Synced, "--drill": c.Drill} {
		if on {
			words = append(words, name)
		}
	}
	return strings.Join(words, " ")
}

// shellWord is an argument as a shell reads it back.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@.-_:/+=", r)
	}
	if strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
