package viewer

import (
	"crypto/sha256"
	_ "embed" // the style sheet, the script and the templates
	"encoding/base64"
	"html/template"
)

//go:embed assets/style.css
var style string

//go:embed assets/script.js
var script string

//go:embed assets/pages.tmpl
var forms string

// policy is the Content-Security-Policy of every page. img-src names file: for
// browsers to which 'self' means nothing on disk.
var policy = "default-src 'none'; script-src " + sumOf(script) + "; style-src " + sumOf(style) +
	"; img-src 'self' file:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// sumOf is the hash source for inline text (CSP level 3, section 2.3.1).
func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// templates are the forms of index.html and of the other pages: the same but for
// where links start. Each writing has its own: they and what the escaping adds to
// them would stay in memory for as long as the agent runs.
type templates struct{ index, sheet *template.Template }

func newTemplates() templates { return templates{parseForms(fromIndex), parseForms(fromPage)} }

func parseForms(from string) *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"csp":     func() string { return policy },
		"css":     func() template.CSS { return template.CSS(style) }, //nolint:gosec // ours
		"js":      func() template.JS { return template.JS(script) },  //nolint:gosec // ours
		"file":    func(p string) string { return link(from, p) },
		"preview": func(p string) string { return link(from, "export/"+p) },
		"folder":  folder,
		"list":    list,
		"photos":  func(n int) string { return many(n, "photo", "photos") },
	}).Parse(forms))
}
