package chromium

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/clearance-project/clearance/platform/xdg"
)

// browser is one of the programs that are built from Chromium.
type browser struct {
	name   string
	folder string // with its profiles, below the configuration folder
	kind   string // of the accounts that it is signed in to; "" where it has none of its own
}

var browsers = []browser{
	{"Chromium", "chromium", "google"},
	{"Google Chrome", "google-chrome", "google"},
	{"Google Chrome", "google-chrome-beta", "google"},
	{"Google Chrome", "google-chrome-unstable", "google"},
	{"Microsoft Edge", "microsoft-edge", "microsoft"},
	{"Microsoft Edge", "microsoft-edge-beta", "microsoft"},
	{"Microsoft Edge", "microsoft-edge-dev", "microsoft"},
	{"Brave", "BraveSoftware/Brave-Browser", ""},
	{"Vivaldi", "vivaldi", ""},
	{"Opera", "opera", ""},
}

// profile is one person's use of a browser.
type profile struct {
	browser
	path string
	// primary is the account that the profile is signed in to, web those that are
	// signed in on its pages beside. Addresses.
	primary string
	web     []string
	title   string
}

// The limits of a home.
const (
	maxProfiles = 500
	maxAccounts = 200
	maxJSON     = 64 << 20
)

// profiles are those of every browser of every home.
func profiles(dirs xdg.Dirs) ([]profile, error) {
	homes, err := dirs.Homes()
	if err != nil {
		return nil, fmt.Errorf("cannot look for browsers: %w", err)
	}
	var all []profile
	for _, home := range homes {
		for _, b := range browsers {
			for _, root := range roots(home, b) {
				found, err := profilesIn(root, b)
				if err != nil {
					return nil, fmt.Errorf("cannot read the profiles of %s in %s: %w", b.name, root, err)
				}
				all = append(all, found...)
			}
		}
	}
	return all, nil
}

// roots are where a browser keeps its profiles: Chromium's Snap has them at the
// top of its home.
func roots(home xdg.Home, b browser) []string {
	at := []string{filepath.Join(home.Config, b.folder)}
	if home.App == "chromium" && b.folder == "chromium" {
		at = append(at, filepath.Join(home.Home, b.folder))
	}
	return at
}

// profilesIn are those of one root: every folder with settings.
func profilesIn(root string, b browser) ([]profile, error) {
	entries, err := xdg.ListIfThere(root, 10*maxProfiles)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	var state struct {
		Profile struct {
			InfoCache map[string]struct {
				Name     string `json:"name"`
				UserName string `json:"user_name"`
			} `json:"info_cache"`
		} `json:"profile"`
	}
	raw, err := xdg.ReadFile(filepath.Join(root, "Local State"), maxJSON)
	if err == nil {
		err = json.Unmarshal(raw, &state)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read Local State: %w", err)
	}
	var all []profile
	for _, e := range entries {
		// A profile may be a link to a folder on another disk.
		if st, err := os.Stat(filepath.Join(root, e.Name())); errors.Is(err, fs.ErrNotExist) || err == nil && !st.IsDir() {
			continue
		} else if err != nil {
			return nil, err
		}
		info := state.Profile.InfoCache[e.Name()]
		p := profile{browser: b, path: filepath.Join(root, e.Name()), primary: info.UserName, title: info.Name}
		raw, err := xdg.ReadFile(filepath.Join(p.path, "Preferences"), maxJSON)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = p.parse(raw)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.path, err)
		}
		all = append(all, p)
	}
	if len(all) > maxProfiles {
		return nil, fmt.Errorf("%d profiles are more than the %d that can be handled", len(all), maxProfiles)
	}
	return all, nil
}

// parse reads who is signed in to a profile, from its Preferences.
func (p *profile) parse(raw []byte) error {
	var prefs struct {
		AccountInfo []struct {
			ID    string `json:"account_id"`
			Gaia  string `json:"gaia"`
			Email string `json:"email"`
		} `json:"account_info"`
		Google struct {
			Services struct {
				AccountID string `json:"account_id"`
			} `json:"services"`
		} `json:"google"`
	}
	if err := json.Unmarshal(raw, &prefs); err != nil {
		return fmt.Errorf("cannot read Preferences: %w", err)
	}
	if len(prefs.AccountInfo) > maxAccounts {
		return fmt.Errorf("%d accounts are more than the %d that can be handled", len(prefs.AccountInfo), maxAccounts)
	}
	id := prefs.Google.Services.AccountID
	for _, a := range prefs.AccountInfo {
		if id != "" && (a.ID == id || a.Gaia == id || a.Email == id) {
			p.primary = a.Email
		}
	}
	if p.primary == "" {
		p.primary = id // An account that the list has not: its number is all that is known.
	}
	for _, a := range prefs.AccountInfo {
		if a.Email != "" && a.Email != p.primary && !slices.Contains(p.web, a.Email) {
			p.web = append(p.web, a.Email)
		}
	}
	return nil
}
