// Package overrides reads what whoever runs this device wrote of providers, and
// lays it over the built-in catalogue.
//
// It imports agent/provider and platform/rootfile.
//
// Invariants:
//   - Only what nobody but root can have written counts (platform/rootfile), in
//     a person's own agent too.
//   - What cannot be used changes nothing and is told: in the log, by the doctor,
//     and to whoever would begin to leave an account of that provider.
package overrides

import (
	"log/slog"

	"github.com/clearance-project/clearance/agent/provider"
	"github.com/clearance-project/clearance/platform/rootfile"
)

// Load reads the catalogue, once, at the start of the agent. The error is for
// the built-in part alone.
func Load(place rootfile.Place, log *slog.Logger) (*provider.Catalogue, error) {
	var all []provider.Override
	files, err := place.Folder(provider.OverrideFolder, ".json", provider.MaxFiles, provider.MaxFile)
	if err != nil {
		all = append(all, provider.Override{Err: err})
	}
	for _, f := range files {
		all = append(all, provider.Override{Name: f.Name, Raw: f.Raw, Err: f.Err})
	}
	c, err := provider.LoadWith(all)
	if err != nil {
		return nil, err
	}
	for id, why := range c.Faults() {
		log.Error("a provider's file cannot be used", "folder", provider.OverrideFolder, "provider", id, "error", why)
	}
	return c, nil
}
