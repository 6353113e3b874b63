package eds

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/gkeyfile"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Sandboxed are the sources that a person set up by hand in an Evolution of its
// own sandbox, as a place where an account is registered. Its data server has
// other names on the bus, and only its programs may speak to it: what is known of
// it are the files of its sources.
//
// Sources: evolution-data-server's build option DBUS_SERVICES_PREFIX, which the
// Flatpak sets, and its e-server-side-source.c (one key file a source, below
// $XDG_CONFIG_HOME/evolution/sources).
type Sandboxed struct{ dirs xdg.Dirs }

// NewSandboxed makes the place of a person's folders.
func NewSandboxed(dirs xdg.Dirs) *Sandboxed { return &Sandboxed{dirs} }

var (
	_ binding.Place = (*Sandboxed)(nil)
	_ binding.Filed = (*Sandboxed)(nil)
)

// Kind is "evolution".
func (*Sandboxed) Kind() string { return "evolution" }

// Folderless says that EDS keeps no folder in step with an account.
func (*Sandboxed) Folderless() {}

const sourceExt = ".source"

// each calls do for every sandbox's folder of sources, with the names in it.
func (p *Sandboxed) each(do func(app, folder string, names []string) error) error {
	homes, err := p.dirs.Homes()
	if err != nil {
		return fmt.Errorf("cannot look for Evolution's sources: %w", err)
	}
	for _, home := range homes {
		if home.App == "" {
			continue // of the session: the bus has them
		}
		folder := filepath.Join(home.Config, "evolution", "sources")
		entries, err := xdg.ReadDir(folder, maxSources)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot look for Evolution's sources: %w", err)
		}
		var names []string
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), sourceExt) {
				names = append(names, e.Name())
			}
		}
		slices.Sort(names)
		if err := do(home.App, folder, names); err != nil {
			return err
		}
	}
	return nil
}

// Entries implements [binding.Place].
func (p *Sandboxed) Entries(ctx context.Context) ([]binding.Entry, error) {
	var all []binding.Entry
	err := p.each(func(app, folder string, names []string) error {
		list, err := filed(folder, names)
		if err != nil {
			return fmt.Errorf("cannot use Evolution's sources in %s: %w", folder, err)
		}
		for i := range list {
			all = append(all, p.entry(app, folder, &list[i]))
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	return all, ctx.Err()
}

// filed are the sources set up by hand, of their files.
func filed(folder string, names []string) ([]Source, error) {
	entries := make(map[string]entry, len(names))
	for _, name := range names {
		raw, err := xdg.ReadFile(filepath.Join(folder, name), maxData)
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone meanwhile
		}
		if err != nil {
			return nil, err
		}
		e := entry{uid: strings.TrimSuffix(name, sourceExt)}
		if e.file, err = dataOf(string(raw)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		entries[e.uid] = e
		// What comes with the program itself stands in none of these files.
		if parent := e.file["Data Source"]["Parent"]; strings.HasSuffix(parent, "-stub") {
			entries[parent] = entry{uid: parent, file: gkeyfile.File{}}
		}
	}
	list := make([]Source, 0, len(entries))
	for _, e := range entries {
		list = append(list, resolve(e, entries))
	}
	slices.SortFunc(list, func(a, b Source) int { return strings.Compare(a.UID, b.UID) })
	return handMade(list)
}

func (p *Sandboxed) entry(app, folder string, s *Source) binding.Entry {
	who := s.Who()
	e := binding.Entry{
		ID: p.Kind() + ":" + url.PathEscape(app) + "/" + url.PathEscape(s.UID), Who: who, Server: s.server(), Carries: s.Kind != Mail, Mail: s.Kind == Mail,
		Name: fmt.Sprintf("%s in the %s %s of Evolution (%s)", who.Named(), s.what(), s.DisplayName, app),
		Goes: []departure.Vanishing{{What: s.what(), Name: s.DisplayName, Items: -1}},
	}
	return e.ByHand(fmt.Sprintf("open that Evolution, choose %s in the list of accounts, address books or calendars, and delete it; where that program is no longer installed, delete %s",
		s.DisplayName, filepath.Join(folder, s.UID+sourceExt))).Shown()
}

// Remove implements [binding.Place]: only the person can.
func (p *Sandboxed) Remove(ctx context.Context, id string) error { return binding.Guide(ctx, p, id) }

// ReadBack implements [binding.Place].
func (p *Sandboxed) ReadBack(ctx context.Context, id string) ([]binding.Left, error) {
	return binding.StillListed(ctx, p, id, "data sources of Evolution")
}

// Files implements [binding.Filed].
func (p *Sandboxed) Files() []string {
	var files []string
	// What cannot be listed fails Entries, which says so.
	_ = p.each(func(_, folder string, names []string) error {
		files = append(files, folder) // a new one is heard
		for _, name := range names {
			files = append(files, filepath.Join(folder, name))
		}
		return nil
	})
	return files
}
