package stores

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/clearance-project/clearance/backup/source"
)

// single are the properties of a card that are one of a vCard.
var single = []struct{ name, property string }{
	{"DisplayName", "FN"}, {"NickName", "NICKNAME"}, {"PrimaryEmail", "EMAIL;PREF=1"}, {"SecondEmail", "EMAIL"}, {"JobTitle", "TITLE"},
	{"HomePhone", `TEL;TYPE=home`}, {"WorkPhone", `TEL;TYPE=work`}, {"FaxNumber", `TEL;TYPE=fax`}, {"PagerNumber", `TEL;TYPE=pager`}, {"CellularNumber", `TEL;TYPE=cell`},
	{"WebPage1", "URL;TYPE=work"}, {"WebPage2", "URL;TYPE=home"}, {"Notes", "NOTE"},
	{"Custom1", "X-CUSTOM1"}, {"Custom2", "X-CUSTOM2"}, {"Custom3", "X-CUSTOM3"}, {"Custom4", "X-CUSTOM4"},
}

// several are those that are parts of one.
var several = []struct {
	property string
	names    []string
}{
	{"N", []string{"LastName", "FirstName", "AdditionalNames", "NamePrefix", "NameSuffix"}},
	{"ORG", []string{"Company", "Department"}},
	{"ADR;TYPE=home", []string{"HomePOBox", "HomeAddress2", "HomeAddress", "HomeCity", "HomeState", "HomeZipCode", "HomeCountry"}},
	{"ADR;TYPE=work", []string{"WorkPOBox", "WorkAddress2", "WorkAddress", "WorkCity", "WorkState", "WorkZipCode", "WorkCountry"}},
}

// unsaid are properties that say nothing of the person.
var unsaid = []string{"PreferMailFormat", "PopularityIndex", "AllowRemoteContent", "LastModifiedDate", "RecordKey", "DbRowID", "LowercasePrimaryEmail",
	"LowercaseSecondEmail", "PhotoType", "PhotoName", "PhotoURI", "_vCard", "_etag", "_href", "UID"}

// made is the vCard of a card that has none: one of before version 102. What a
// vCard has no place for is an X-MOZILLA- property.
func made(uid string, p map[string]string) []byte {
	var l source.Lines
	l.Add("BEGIN", "VCARD")
	l.Add("VERSION", "4.0")
	l.Text("UID", uid)
	said := slices.Clone(unsaid)
	if p["DisplayName"] == "" {
		l.Add("FN", "") // a vCard has one
	}
	for _, s := range single {
		l.Text(s.property, p[s.name])
		said = append(said, s.name)
	}
	for _, s := range several {
		parts := make([]string, len(s.names))
		for i, name := range s.names {
			parts[i] = p[name]
		}
		l.Texts(s.property, parts...)
		said = append(said, s.names...)
	}
	for _, d := range []struct{ name, property string }{{"Birth", "BDAY"}, {"Anniversary", "ANNIVERSARY"}} {
		if date, ok := dateOf(p[d.name+"Year"], p[d.name+"Month"], p[d.name+"Day"]); ok {
			l.Add(d.property, date)
			said = append(said, d.name+"Year", d.name+"Month", d.name+"Day")
		}
	}
	var rest []string
	for name := range p {
		if !slices.Contains(said, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	for _, name := range rest {
		l.Text("X-MOZILLA-"+propertyName(name), p[name])
	}
	l.Add("END", "VCARD")
	return l.Bytes()
}

// propertyName is a name as a vCard takes it.
func propertyName(s string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, s))
}

// dateOf is a date of RFC 6350, section 4.3.1, of which parts may be unknown.
func dateOf(year, month, day string) (string, bool) {
	number := func(s string, most int) (int, bool) {
		n, err := strconv.Atoi(s)
		return n, err == nil && n > 0 && n <= most
	}
	y, hasYear := number(year, 9999)
	m, hasMonth := number(month, 12)
	d, hasDay := number(day, 31)
	switch {
	case hasYear && hasMonth && hasDay:
		return fmt.Sprintf("%04d%02d%02d", y, m, d), true
	case hasMonth && hasDay:
		return fmt.Sprintf("--%02d%02d", m, d), true
	case hasYear && hasMonth:
		return fmt.Sprintf("%04d-%02d", y, m), true
	case hasYear:
		return fmt.Sprintf("%04d", y), true
	}
	return "", false
}

// vcard is a list as a group of RFC 6350, section 6.1.4.
func (g *group) vcard(c *cards) []byte {
	var l source.Lines
	l.Add("BEGIN", "VCARD")
	l.Add("VERSION", "4.0")
	l.Add("KIND", "group")
	l.Text("UID", g.uid)
	if g.name == "" {
		l.Add("FN", "") // a vCard has one
	}
	l.Text("FN", g.name)
	l.Text("NICKNAME", g.nick)
	l.Text("NOTE", g.about)
	slices.Sort(g.members)
	for _, m := range g.members {
		l.Add("MEMBER", "urn:uuid:"+url.PathEscape(m))
		l.Text("X-MEMBER-NAME", strings.TrimSpace(c.properties[m]["DisplayName"]+" "+c.properties[m]["PrimaryEmail"]))
	}
	l.Add("END", "VCARD")
	return l.Bytes()
}

// insert puts a line before the end of a card.
func insert(card []byte, line string) ([]byte, bool) {
	text := string(card)
	i := strings.LastIndex(strings.ToUpper(text), "END:VCARD")
	if i < 0 {
		return card, false
	}
	eol := "\r\n"
	if !strings.Contains(text, eol) {
		eol = "\n"
	}
	return []byte(text[:i] + line + eol + text[i:]), true
}

// escapedPath is the name of a file as it stands in a URI.
func escapedPath(name string) string { return url.PathEscape(name) }
