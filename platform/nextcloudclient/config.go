package nextcloudclient

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/qsettings"
	"github.com/clearance-project/clearance/platform/xdg"
)

// program is one of the clients, which are built from one source.
type program struct {
	name string // in its window, its keyring entries and its socket
	kind string // of account
	file string // below the configuration folder
}

var programs = []program{
	{"Nextcloud", "nextcloud", "Nextcloud/nextcloud.cfg"},
	{"ownCloud", "owncloud", "ownCloud/owncloud.cfg"},
}

// The limits of what one configuration may hold.
const (
	maxAccounts = 200
	maxFolders  = 2000
)

// Folder is a folder that a client keeps in step with an account.
type Folder struct {
	Path   string // on this device, absolute
	Target string // at the server
	// Virtual: files may be here by name only, their content at the server.
	Virtual bool
	journal string // its database, below Path; "" where the configuration has none
}

// account is one account of one client's configuration.
type account struct {
	program
	app     string // the Flatpak or Snap, "" for none
	folder  string // of the configuration
	number  string
	url     string
	user    string // at the server, "" before the first connection
	login   string // what was entered, which the keyring goes by
	folders []Folder
}

// folderGroups are the groups that folders stand in: a client that is too old
// for a kind of folder does not see its group.
var folderGroups = []string{"Folders", "Multifolders", "FoldersWithPlaceholders"}

// Folders are the folders that the clients of these homes keep in step, of every
// account, and those that an older client did. An error means that some are not
// known.
func Folders(dirs xdg.Dirs) ([]string, error) {
	var paths []string
	err := each(dirs, func(_ program, _ xdg.Home, _ string, entries []qsettings.Entry) error {
		for _, e := range entries {
			if !strings.EqualFold(e.Path[len(e.Path)-1], "localPath") {
				continue
			}
			text, err := qsettings.Text(e.Raw)
			if err != nil {
				return err
			}
			f, ok, err := folderOf(map[string]string{"localPath": text})
			if err != nil {
				return err
			}
			if ok {
				paths = append(paths, f.Path)
			}
		}
		return nil
	})
	return paths, err
}

// accounts are those of every client of every home.
func accounts(dirs xdg.Dirs) ([]account, error) {
	var all []account
	err := each(dirs, func(p program, home xdg.Home, at string, entries []qsettings.Entry) error {
		found, err := parse(entries)
		for _, a := range found {
			a.program, a.app, a.folder = p, home.App, filepath.Dir(at)
			all = append(all, a)
		}
		return err
	})
	return all, err
}

// each hands over the configuration of every client of every home that has one.
func each(dirs xdg.Dirs, do func(p program, home xdg.Home, at string, entries []qsettings.Entry) error) error {
	homes, err := dirs.Homes()
	if err != nil {
		return fmt.Errorf("cannot look for sync clients: %w", err)
	}
	for _, home := range homes {
		for _, p := range programs {
			at := filepath.Join(home.Config, p.file)
			entries, err := read(at)
			if err == nil {
				err = do(p, home, at, entries)
			}
			if err != nil {
				return fmt.Errorf("cannot read %s: %w", at, err)
			}
		}
	}
	return nil
}

// maxConfig bounds a configuration, in bytes.
const maxConfig = 64 << 20

// read reads one configuration, which need not be there.
func read(at string) ([]qsettings.Entry, error) {
	raw, err := xdg.ReadIfThere(at, maxConfig)
	if err != nil {
		return nil, err
	}
	return qsettings.Parse(raw)
}

// parse makes accounts of the entries Accounts\0\url and so on. A group that has
// neither an address nor a user nor a folder is none.
func parse(entries []qsettings.Entry) ([]account, error) {
	values := map[string]map[string]string{} // of an account, by key
	folders := map[string]map[string]map[string]string{}
	for _, e := range entries {
		if len(e.Path) < 3 || e.Path[0] != "Accounts" {
			continue
		}
		number, key := e.Path[1], e.Path[len(e.Path)-1]
		into := values
		if len(e.Path) == 5 && slices.Contains(folderGroups, e.Path[2]) {
			if folders[number] == nil {
				folders[number] = map[string]map[string]string{}
			}
			into, number = folders[number], e.Path[2]+`\`+e.Path[3]
		} else if len(e.Path) != 3 {
			continue
		}
		if !slices.Contains(keys, key) {
			continue
		}
		text, err := qsettings.Text(e.Raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.Join(e.Path, `\`), err)
		}
		if into[number] == nil {
			into[number] = map[string]string{}
		}
		into[number][key] = text
	}
	return assemble(values, folders)
}

// keys are those whose values are read: others hold certificates and colours.
var keys = []string{
	"url", "dav_user", "webflow_user", "http_user", "user",
	"localPath", "targetPath", "journalPath", "virtualFilesMode", "usePlaceholders",
}

func assemble(values map[string]map[string]string, folders map[string]map[string]map[string]string) ([]account, error) {
	numbers := map[string]bool{}
	for n := range values {
		numbers[n] = true
	}
	for n := range folders {
		numbers[n] = true
	}
	if len(numbers) > maxAccounts {
		return nil, fmt.Errorf("%d accounts are more than the %d that can be handled", len(numbers), maxAccounts)
	}
	var accounts []account
	for n := range numbers {
		v := values[n]
		a := account{number: n, url: v["url"]}
		for _, key := range []string{"webflow_user", "http_user", "user", "dav_user"} {
			if a.login == "" {
				a.login = v[key]
			}
		}
		if a.user = v["dav_user"]; a.user == "" {
			a.user = a.login
		}
		if len(folders[n]) > maxFolders {
			return nil, fmt.Errorf("%d folders are more than the %d that can be handled", len(folders[n]), maxFolders)
		}
		for _, f := range folders[n] {
			if folder, ok, err := folderOf(f); err != nil {
				return nil, err
			} else if ok {
				a.folders = append(a.folders, folder)
			}
		}
		slices.SortFunc(a.folders, func(x, y Folder) int { return strings.Compare(x.Path, y.Path) })
		if a.url != "" || a.user != "" || len(a.folders) > 0 {
			accounts = append(accounts, a)
		}
	}
	slices.SortFunc(accounts, func(x, y account) int { return strings.Compare(x.number, y.number) })
	return accounts, nil
}

// folderOf is one folder; ok is false for a group that names none.
func folderOf(v map[string]string) (f Folder, ok bool, err error) {
	at := v["localPath"]
	if at == "" {
		return Folder{}, false, nil
	}
	if !filepath.IsAbs(at) || strings.ContainsRune(at, 0) {
		return Folder{}, false, fmt.Errorf("the folder %q is not a path from the root", at)
	}
	f = Folder{Path: filepath.Clean(at), Target: v["targetPath"]}
	if j := v["journalPath"]; filepath.IsLocal(j) {
		f.journal = j
	}
	mode := v["virtualFilesMode"]
	f.Virtual = mode != "" && mode != "off" || mode == "" && v["usePlaceholders"] == "true"
	return f, true, nil
}

// who says whose the account is.
func (a account) who() binding.Who {
	return binding.Who{Type: a.kind, User: a.user, Host: binding.Host(a.url)}
}
