package disks

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/platform/bus"
)

// Client asks UDisks2. Its methods may be called from any goroutine.
type Client struct{ bus *bus.Conn }

var _ engine.Disks = (*Client)(nil)

// New makes a client of the system bus, which stays the caller's.
func New(system *bus.Conn) *Client { return &Client{bus: system} }

// Watch calls changed whenever a disk may have come, gone, or been mounted, and
// when that cannot be heard any more. Nothing is started for it.
func (c *Client) Watch(changed func()) (*bus.Subscription, error) {
	return c.bus.Subscribe(func(bus.Event) { changed() },
		bus.Rule{Sender: service, Interface: objectIface, Path: root},
		bus.Rule{Sender: service, Interface: propsIface, Member: "PropertiesChanged", Under: root, Arg0: fsIface})
}

// List lists the disks that a person can plug in and out.
func (c *Client) List(ctx context.Context) ([]engine.Disk, error) {
	all, err := c.objects(ctx)
	if err != nil {
		return nil, cannotAsk(err)
	}
	list := []engine.Disk{}
	for _, v := range all.volumes() {
		list = append(list, v.shown())
	}
	return list, nil
}

func (v *volume) shown() engine.Disk {
	d := engine.Disk{
		Label: v.label(), Kind: place.Showable(value[string](v.block, "IdType")), ReadOnly: value[bool](v.block, "ReadOnly"),
		Size: int64(min(value[uint64](v.block, "Size"), 1<<62)),
	}
	if id := value[string](v.block, "IdUUID"); id != "" {
		d.ID = "uuid:" + place.Showable(id)
	}
	if len(v.points) > 0 {
		d.Folder = v.points[0]
		var st unix.Statfs_t
		if unix.Statfs(d.Folder, &st) == nil {
			d.Free, d.Size = int64(st.Bavail)*st.Frsize, int64(st.Blocks)*st.Frsize
			d.ReadOnly = d.ReadOnly || st.Flags&unix.ST_RDONLY != 0
		}
	}
	return d
}

// unmountTime bounds the unmounting: everything that waits is written first.
const unmountTime = 5 * time.Minute

// Eject unmounts the disk that the destination lies on and switches it off.
func (c *Client) Eject(ctx context.Context, d engine.Destination) (engine.Ejected, error) {
	var out engine.Ejected
	folder, err := standing(&d)
	if err != nil {
		return out, err
	}
	all, err := c.objects(ctx)
	if err != nil {
		return out, cannotAsk(err)
	}
	v, err := all.under(folder)
	if err != nil {
		return out, err
	}
	out.Label = v.label()
	for range v.points {
		if err := c.ask(ctx, v, fsIface+".Unmount"); isError(err, "NotMounted") {
			break
		} else if err != nil {
			return out, refusal(out.Label, err)
		}
	}
	return c.off(ctx, v, out)
}

// standing is where the folder of a destination is now, on the disk that it
// names. Another disk may have its place.
func standing(d *engine.Destination) (string, error) {
	if d.Disk == "" {
		return d.Folder, nil
	}
	here, err := place.Look(d.Folder)
	if err == nil && here.Is(d.Disk) == place.Same {
		return d.Folder, nil
	}
	name := d.Label
	if name == "" {
		name = "the disk of your copy"
	}
	remedy := departure.Remedy{Code: "destination", Text: "see which disks are plugged in", Command: "clearance destination"}
	var found []place.Place
	if d.Within != "" {
		if found, err = place.Find(d.Disk, d.Within); err != nil {
			return "", fmt.Errorf("cannot find the disk: %w", err)
		}
		found = slices.DeleteFunc(found, func(p place.Place) bool { return p.Is(d.Disk) != place.Same })
	}
	switch len(found) {
	case 0:
		return "", &engine.BlockedError{Why: departure.Reason{Code: "not-plugged-in", Text: name + " is not plugged in: what is at " + d.Folder + " now is something else, and it stays as it is"}, Remedy: remedy}
	case 1:
		return found[0].Path, nil
	}
	return "", &engine.BlockedError{Why: departure.Reason{Code: "two-disks", Text: "two disks are plugged in that both say they are " + name + ": unmount the right one in your file manager"}, Remedy: remedy}
}

// off locks an encrypted disk and takes its power, or its medium, where that can
// be. It is safe by now to pull it out, whatever happens here.
func (c *Client) off(ctx context.Context, v *volume, out engine.Ejected) (engine.Ejected, error) {
	var err error
	if v.locked != "" {
		locked := *v
		locked.path = v.locked
		err = c.ask(ctx, &locked, cryptIface+".Lock")
	}
	drive := *v
	drive.path = v.drive
	switch {
	case err != nil:
	case value[bool](v.driveOf, "CanPowerOff"):
		err = c.ask(ctx, &drive, driveIface+".PowerOff")
	case value[bool](v.driveOf, "Ejectable"):
		err = c.ask(ctx, &drive, driveIface+".Eject")
	default:
		out.Why = "it cannot be switched off from here"
		return out, nil
	}
	switch {
	case ctx.Err() != nil:
		return out, ctx.Err()
	case isError(err, "DeviceBusy"):
		out.Why = "another part of the same disk is still in use"
	case err != nil:
		out.Why = "it could not be switched off: " + err.Error()
	default:
		out.Off = true
	}
	return out, nil
}

// ask calls a method that takes options alone.
func (c *Client) ask(ctx context.Context, v *volume, method string) error {
	m := bus.Method{Service: service, Path: v.path, Name: method, Timeout: unmountTime}
	return c.bus.Call(ctx, m, []any{properties{}})
}

// under is the volume that a folder lies on: by where the folder is mounted, and
// by the device number that UDisks2 knows.
func (all objects) under(folder string) (*volume, error) {
	p, err := place.Look(folder)
	if err != nil {
		return nil, fmt.Errorf("cannot find the disk: %w", err)
	}
	for _, v := range all.volumes() {
		for _, at := range v.points {
			if filepath.Clean(at) == p.MountAt && (value[uint64](v.block, "DeviceNumber") == p.Dev || unix.Major(p.Dev) == 0) {
				return &v, nil
			}
		}
	}
	return nil, &engine.BlockedError{
		Why:    departure.Reason{Code: "not-removable", Text: folder + " is not on a disk that can be plugged out"},
		Remedy: departure.Remedy{Code: "destination", Text: "see which disks are plugged in", Command: "clearance destination"},
	}
}

// refusal says to a person why a disk could not be unmounted, and what to do.
func refusal(label string, err error) error {
	why, remedy := departure.Reason{Code: "not-unmounted"}, departure.Remedy{Code: "eject", Command: "clearance destination --eject"}
	switch {
	case isError(err, "DeviceBusy"):
		why.Text = label + " is in use: a program has a file or folder on it open"
		remedy.Text = "close it, wait until copying has ended, and try again"
	case isError(err, "NotAuthorized"), isError(err, "NotAuthorizedCanObtain"), isError(err, "NotAuthorizedDismissed"):
		why.Text = "this device does not let you unmount " + label
		remedy.Text = "ask whoever looks after this device"
	case isError(err, "Timedout"), errors.Is(err, context.DeadlineExceeded):
		why.Text = label + " is still writing: do not pull it out yet"
		remedy.Text = "wait a few minutes, and try again"
	default:
		why.Text = label + " could not be unmounted: " + err.Error()
		remedy.Text = "try again, or use your file manager"
	}
	return &engine.BlockedError{Why: why, Remedy: remedy}
}

// isError reports whether UDisks2 answered with the error of that name.
func isError(err error, name string) bool {
	var remote *bus.RemoteError
	return errors.As(err, &remote) && remote.Name == service+".Error."+name
}

func cannotAsk(err error) error {
	if errors.Is(err, bus.ErrNoService) || errors.Is(err, bus.ErrUnavailable) {
		return &engine.BlockedError{
			Why:    departure.Reason{Code: "no-udisks", Text: "this device has no service that tells its disks (udisks2)"},
			Remedy: departure.Remedy{Code: "destination", Text: "name the folder of a disk that you mounted yourself", Command: "clearance destination ACCOUNT FOLDER"},
		}
	}
	return fmt.Errorf("cannot ask which disks are plugged in: %w", err)
}
