package gitcredential

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNamedStores: a password that the real git keeps in a file of the person's
// choice is found, and the files are watched.
func TestNamedStores(t *testing.T) {
	const secret = "https://alice:x@cloud.example\n"
	for name, config := range map[string]string{
		"a word":       "[credential]\n\thelper = store --file ~/own\n",
		"one word":     "[credential] helper = store --file=$H/own # mine\n",
		"quoted":       "[Credential]\n\thelper = \"store --file \\\"$H/own\\\"\"\n",
		"continued":    "[credential]\n\thelper = store \\\n --file ~/own\n",
		"begun":        "[credential]\n\thelper = store --fi ~/own\n",
		"a server's":   "[credential \"https://cloud.example\"]\n\thelper =\n\thelper = store --file ~/own\n",
		"a command":    "[credential]\n\thelper = \"!git credential-store --file ~/own\"\n",
		"a program":    "[credential]\n\thelper = /usr/lib/git-core/git-credential-store --file ~/own\n",
		"included":     "[include]\n\tpath = more\n",
		"included too": "[includeIf \"gitdir:~/work/\"]\n\tpath = ~/more\n",
	} {
		for _, at := range []string{".gitconfig", ".config/git/config", ".var/app/org.x/config/git/config"} {
			t.Run(name+" in "+at, func(t *testing.T) {
				d := start(t)
				d.write("own", secret)
				if err := os.MkdirAll(filepath.Dir(filepath.Join(d.home, at)), 0o700); err != nil {
					t.Fatal(err)
				}
				d.write(at, strings.ReplaceAll(config, "$H", d.home))
				d.write(filepath.Join(filepath.Dir(at), "more"), "[credential]\n\thelper = store --file ~/own\n")
				d.write("more", "[credential]\n\thelper = store --file ~/own\n")
				d.run("git config --file ~/"+at+" --list", "") // git understands it too.
				entries, err := d.place.Entries(t.Context())
				if err != nil || len(entries) != 1 || entries[0].Who.User != "alice" {
					t.Errorf("%+v, %v", entries, err)
				}
				for _, file := range []string{"own", at} {
					if files := d.place.Files(); !slices.Contains(files, filepath.Join(d.home, file)) {
						t.Errorf("%s is not watched: %q", file, files)
					}
				}
			})
		}
	}
}

// TestNamedStoresUnknown: what is named and not there is nothing; what cannot be
// read or told is an error.
func TestNamedStoresUnknown(t *testing.T) {
	for config, fails := range map[string]bool{
		"[credential]\n\thelper = store --file ~/none\n\thelper = cache --timeout 30\n\thelper\n[include]\n\tpath = none\n": false,
		"[credential]\n\thelper = store --file ~/.git-credentials\n":                                                        false,
		"[credential]\n\thelper = store --file ~/folder\n":                                                                  true,
		"[credential]\n\thelper = store --file own\n":                                                                       true,
		"[credential]\n\thelper = store --file $OWN/x\n":                                                                    true,
		"[include]\n\tpath = folder\n":                                                                                      true,
		"[credential\n":                                                                                                     true,
		"[credential]\n\thelper = \"store\n":                                                                                true,
	} {
		d := start(t)
		if err := os.Mkdir(filepath.Join(d.home, "folder"), 0o700); err != nil {
			t.Fatal(err)
		}
		d.write(".git-credentials", "https://alice:x@cloud.example\n")
		d.write(".gitconfig", config)
		if entries, err := d.place.Entries(t.Context()); (err != nil) != fails || !fails && len(entries) != 1 {
			t.Errorf("%q: %+v, %v", config, entries, err)
		}
	}
}

func TestStoreFiles(t *testing.T) {
	for helper, want := range map[string][]string{
		`store --file 'a b' --file=c`: {"a b", "c"},
		`store`:                       nil,
		`store --file`:                nil,
		`cache --file x`:              nil,
		`!test "$1" = get && git credential-store --f x;`: {"x"},
	} {
		if got := storeFiles(helper); !cmp.Equal(got, want) {
			t.Errorf("%q: %q", helper, got)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add("[credential \"https://h\"] helper = \"!git credential-store\" \\\n --file ~/x # y")
	f.Fuzz(func(t *testing.T, text string) {
		all, _ := parseConfig(text)
		size := 0
		for _, s := range all {
			size += len(s.value)
			for _, file := range storeFiles(s.value) {
				if len(file) > len(s.value) {
					t.Errorf("%q of %q", file, s.value)
				}
			}
		}
		if size > len(text) {
			t.Errorf("%d bytes of %d", size, len(text))
		}
	})
}
