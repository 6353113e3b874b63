package cli

import (
	"strings"

	"github.com/alecthomas/kong"

	"github.com/clearance-project/clearance/agent"
)

type completionCmd struct {
	Shell string `arg:"" optional:"" default:"bash" help:"bash."`
}

// Run prints a script for bash.
func (c completionCmd) Run(s *session, app *kong.Kong) error {
	if c.Shell != "bash" {
		return &agent.Error{Kind: agent.KindInvalid, Text: "there is a completion for bash alone"}
	}
	s.say("_clearance() {")
	s.say("  local cur=${COMP_WORDS[COMP_CWORD]} words")
	s.say("  case ${COMP_WORDS[1]} in")
	var verbs []string
	for _, node := range shown(app.Model.Node) {
		verbs = append(verbs, node.Name)
		words := flagNames(node)
		for _, sub := range shown(node) {
			words = append(words, sub.Name)
		}
		s.say("  %s) words=%q ;;", node.Name, strings.Join(words, " "))
	}
	s.say("  esac")
	s.say("  [ \"$COMP_CWORD\" = 1 ] && words=%q", strings.Join(append(verbs, flagNames(app.Model.Node)...), " "))
	s.say("  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))")
	s.say("}")
	s.say("complete -o default -F _clearance clearance")
	return nil
}

// shown are the verbs beneath a node that help shows.
func shown(node *kong.Node) []*kong.Node {
	var list []*kong.Node
	for _, child := range node.Children {
		if !child.Hidden {
			list = append(list, child)
		}
	}
	return list
}

func flagNames(node *kong.Node) []string {
	var names []string
	for _, f := range node.Flags {
		names = append(names, "--"+f.Name)
	}
	return names
}

type manCmd struct{}

// Run prints the manual page in the man macros (groff_man(7)).
func (manCmd) Run(s *session, app *kong.Kong) error {
	s.say(".TH CLEARANCE 1 \"\" \"clearance %s\" \"User Commands\"", troff(s.version))
	s.say(".SH NAME\nclearance \\- leave a cloud account without losing anything")
	s.say(".SH SYNOPSIS\n.B clearance\n[\\fIverb\\fR] [\\fIflags\\fR]")
	s.say(".SH DESCRIPTION\n%s", troff(app.Model.Help))
	s.say(".SH VERBS")
	for _, node := range shown(app.Model.Node) {
		s.manVerb(node, "clearance")
	}
	s.say(".SH FLAGS")
	s.manFlags(app.Model.Node)
	s.say(".SH EXIT STATUS")
	for _, e := range exits {
		s.say(".TP\n%s\n%s", e[0], e[1])
	}
	return nil
}

// exits are the exit codes of ipc/api, for a person.
var exits = [][2]string{
	{"0", "ok"}, {"1", "not ready"}, {"2", "the command was not understood"}, {"3", "the policy cannot be read"},
	{"4", "not allowed"}, {"5", "the agent does not answer"}, {"6", "your authorisation is needed, or a waiting time runs"},
	{"75", "try again"},
}

func (s *session) manVerb(node *kong.Node, above string) {
	usage := above + " " + node.Name
	for _, p := range node.Positional {
		usage += " " + p.Summary()
	}
	s.say(".SS %s\n%s", troff(usage), troff(node.Help))
	s.manFlags(node)
	for _, sub := range shown(node) {
		s.manVerb(sub, above+" "+node.Name)
	}
}

func (s *session) manFlags(node *kong.Node) {
	for _, f := range node.Flags {
		if f.Hidden {
			continue
		}
		s.say(".TP\n\\fB%s\\fR\n%s", troff(f.String()), troff(f.Help))
	}
}

// troff escapes text for the man macros.
func troff(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\e`), "-", `\-`)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
