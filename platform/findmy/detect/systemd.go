package detect

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
)

const (
	systemd                     = "org.freedesktop.systemd1"
	systemdPath dbus.ObjectPath = "/org/freedesktop/systemd1"
	manager                     = systemd + ".Manager"
)

// unitFile is one answer of ListUnitFilesByPatterns, unit one of
// ListUnitsByPatterns, as org.freedesktop.systemd1(5) has them.
type unitFile struct{ Path, State string }

type unit struct {
	Name, Description, Load, Active, Sub, Following string
	Object                                          dbus.ObjectPath
	Job                                             uint32
	JobType                                         string
	JobObject                                       dbus.ObjectPath
}

// units asks systemd which of these services it has, and in what state: that of
// the unit's file ("enabled"), or of the unit where it has none. Nobody owning
// systemd's name is no error.
func (d *Detector) units(ctx context.Context, names []string) (map[string]string, error) {
	if d.opts.Bus == nil || len(names) == 0 {
		return nil, nil
	}
	states, err := d.ask(ctx, names)
	if errors.Is(err, bus.ErrNoService) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("systemd cannot be asked for services: %w", err)
	}
	return states, nil
}

func (d *Detector) ask(ctx context.Context, names []string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, d.opts.Timeout)
	defer cancel()
	unique, ok, err := d.opts.Bus.Owner(ctx, systemd)
	if err == nil && !ok {
		err = bus.ErrNoService
	}
	if err != nil {
		return nil, err
	}
	if uid, known, err := d.opts.Bus.OwnerUID(ctx, unique); err != nil || !known || uid != 0 {
		return nil, errors.Join(err, errors.New("who answers for it is not root"))
	}
	call := func(method string, out any) error {
		m := bus.Method{Service: unique, Path: systemdPath, Name: manager + "." + method, NoStart: true, Timeout: d.opts.Timeout}
		return d.opts.Bus.Call(ctx, m, []any{[]string{}, names}, out)
	}
	var files []unitFile
	if err := call("ListUnitFilesByPatterns", &files); err != nil {
		return nil, err
	}
	var units []unit
	if err := call("ListUnitsByPatterns", &units); err != nil {
		return nil, err
	}
	states := map[string]string{}
	for _, u := range units {
		if u.Load != "not-found" { // wanted by others, and not there
			states[u.Name] = u.Active
		}
	}
	for _, f := range files {
		states[path.Base(f.Path)] = f.State
	}
	return states, nil
}
