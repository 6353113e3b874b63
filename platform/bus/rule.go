package bus

import (
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"
)

// Rule selects signals. Empty fields match everything, but a Sender is always
// wanted: a signal without one is anybody's.
type Rule struct {
	Sender    string // a well-known or unique name; the bus itself is org.freedesktop.DBus
	Interface string
	Member    string
	Path      dbus.ObjectPath // this path alone
	Under     dbus.ObjectPath // this path and all below it
	Arg0      string          // the first argument, a string
}

// Check says why a rule cannot be used.
func (r Rule) Check() error {
	if !validName(r.Sender) {
		return fmt.Errorf("cannot listen to %q: not a bus name", r.Sender)
	}
	if r.Path != "" && r.Under != "" {
		return fmt.Errorf("cannot listen to %q: a path and a subtree exclude each other", r.Sender)
	}
	for _, path := range []dbus.ObjectPath{r.Path, r.Under} {
		if path != "" && !path.IsValid() {
			return fmt.Errorf("cannot listen to %q: %q is not an object path", r.Sender, path)
		}
	}
	for _, text := range []string{r.Interface, r.Member, r.Arg0} {
		if strings.ContainsAny(text, "',\\\x00") {
			return fmt.Errorf("cannot listen to %q: %q cannot stand in a match rule", r.Sender, text)
		}
	}
	return nil
}

// text is the rule as the bus wants it.
func (r Rule) text() string {
	var b strings.Builder
	b.WriteString("type='signal'")
	for _, part := range []struct{ key, value string }{
		{"sender", r.Sender}, {"interface", r.Interface}, {"member", r.Member},
		{"path", string(r.Path)}, {"path_namespace", string(r.Under)}, {"arg0", r.Arg0},
	} {
		if part.value != "" {
			fmt.Fprintf(&b, ",%s='%s'", part.key, part.value)
		}
	}
	return b.String()
}

// matches reports whether a signal is one that the rule selects, when owner is
// the unique name behind the rule's sender.
func (r Rule) matches(signal *dbus.Signal, owner string) bool {
	if owner == "" || signal.Sender != owner {
		return false
	}
	dot := strings.LastIndexByte(signal.Name, '.')
	if dot < 0 {
		return false
	}
	if r.Interface != "" && signal.Name[:dot] != r.Interface || r.Member != "" && signal.Name[dot+1:] != r.Member {
		return false
	}
	if r.Path != "" && signal.Path != r.Path {
		return false
	}
	if r.Under != "" && r.Under != "/" && signal.Path != r.Under && !strings.HasPrefix(string(signal.Path), string(r.Under)+"/") {
		return false
	}
	if r.Arg0 != "" {
		first, ok := firstString(signal.Body)
		return ok && first == r.Arg0
	}
	return true
}

func firstString(body []any) (string, bool) {
	if len(body) == 0 {
		return "", false
	}
	text, ok := body[0].(string)
	return text, ok
}

// validName reports whether text can be a bus name, by the D-Bus
// specification's "Valid Names".
func validName(text string) bool {
	rest := strings.TrimPrefix(text, ":")
	unique := rest != text
	if len(text) > 255 || !strings.Contains(rest, ".") {
		return false
	}
	for _, element := range strings.Split(rest, ".") {
		if element == "" || !unique && element[0] >= '0' && element[0] <= '9' {
			return false
		}
		for i := range len(element) {
			c := element[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
				return false
			}
		}
	}
	return true
}
