package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// faultsOf are the innermost causes of a schema's refusal, by field.
func faultsOf(err *jsonschema.ValidationError) []Fault {
	var all []Fault
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if _, either := e.ErrorKind.(*kind.AnyOf); either {
			all = append(all, Fault{Field: fieldOf(e.InstanceLocation), Text: "has neither url nor steps", Do: "add one of them"})
			return
		}
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) == 0 {
			all = append(all, faultOf(e)...)
		}
	}
	walk(err)
	slices.SortStableFunc(all, func(a, b Fault) int { return strings.Compare(a.Field, b.Field) })
	return slices.Compact(all)
}

// fieldOf is a place in a document as a person writes it: "facts[0].source".
func fieldOf(at []string) string {
	var b strings.Builder
	for _, token := range at {
		switch {
		case token != "" && strings.Trim(token, "0123456789") == "":
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + shown(token))
		default:
			b.WriteString(shown(token))
		}
	}
	return b.String()
}

// shown is a field's name as it may be printed.
func shown(name string) string {
	quoted := fmt.Sprintf("%q", name)
	if quoted[1:len(quoted)-1] == name && len(name) <= 60 {
		return name
	}
	if len(quoted) > 60 {
		quoted = quoted[:60] + "…"
	}
	return quoted
}

var english = message.NewPrinter(language.English)

// faultOf says one cause in plain words.
func faultOf(e *jsonschema.ValidationError) []Fault {
	at := fieldOf(e.InstanceLocation)
	one := func(text, do string) []Fault { return []Fault{{at, text, do}} }
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return each(at, k.Missing, "is missing", "add it")
	case *kind.AdditionalProperties:
		return each(at, k.Properties, "is not a field that is known", "correct its spelling, or take it out")
	case *kind.Enum:
		return one("is none of "+list(k.Want), "take one of them")
	case *kind.Const:
		return one(fmt.Sprintf("must be %v here", k.Want), "correct it, or what it follows from (known, runs_tracker)")
	case *kind.Type:
		return one(fmt.Sprintf("is of the kind %s, not %s", k.Got, strings.Join(k.Want, " or ")), "write it as that")
	case *kind.Pattern:
		return one(patternText(at, k.Want), "correct it")
	case *kind.MinLength, *kind.MinItems:
		return one("is empty", "fill it in")
	case *kind.MaxLength:
		return one(fmt.Sprintf("is longer than %d characters", k.Want), "shorten it")
	case *kind.MaxItems:
		if k.Want == 0 {
			return one("must be empty where known is not true", "set known, or take it out")
		}
		return one(fmt.Sprintf("has more than %d entries", k.Want), "shorten it")
	}
	return one(e.ErrorKind.LocalizedString(english), "see what `clearance providers schema` says of it")
}

// each is one fault for each of several fields beneath a place.
func each(at string, names []string, text, do string) []Fault {
	var all []Fault
	for _, name := range names {
		field := shown(name)
		if at != "" {
			field = at + "." + field
		}
		all = append(all, Fault{field, text, do})
	}
	return all
}

func list(values []any) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, fmt.Sprintf("%q", v))
	}
	return strings.Join(texts, ", ")
}

// patternText says what a text of some form should have been.
func patternText(at, pattern string) string {
	switch {
	case strings.HasSuffix(at, ".url"):
		return "is not an https page"
	case strings.Contains(pattern, `\p{L}`):
		return "is blank, or holds characters that cannot be shown"
	case strings.Contains(pattern, `(\.[a-z0-9-]+)+`):
		return "is not a host's name in lower case"
	case strings.HasPrefix(at, "goa_types"):
		return "is not a type of online account"
	}
	return "is not a name in lower case, with hyphens"
}

// split turns the agent's own refusal, which may join several, into faults. Each
// begins with its field.
func split(err error) []Fault {
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	var all []Fault
	for _, e := range errs {
		all = append(all, Fault{Text: e.Error(), Do: "correct it"})
	}
	return all
}
