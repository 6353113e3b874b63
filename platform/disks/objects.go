package disks

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/platform/bus"
)

// The names of UDisks2 2.10.
const (
	service     = "org.freedesktop.UDisks2"
	root        = dbus.ObjectPath("/org/freedesktop/UDisks2")
	blockIface  = service + ".Block"
	fsIface     = service + ".Filesystem"
	driveIface  = service + ".Drive"
	cryptIface  = service + ".Encrypted"
	objectIface = "org.freedesktop.DBus.ObjectManager"
	propsIface  = "org.freedesktop.DBus.Properties"
)

type properties = map[string]dbus.Variant

type objects map[dbus.ObjectPath]map[string]properties

// objects is everything that UDisks2 knows of.
func (c *Client) objects(ctx context.Context) (objects, error) {
	var all map[dbus.ObjectPath]map[string]properties
	m := bus.Method{Service: service, Path: root, Name: objectIface + ".GetManagedObjects"}
	if err := c.bus.Call(ctx, m, nil, &all); err != nil {
		return nil, err
	}
	if len(all) > maxObjects {
		return nil, fmt.Errorf("%d objects are more than the %d that can be handled", len(all), maxObjects)
	}
	return all, objects(all).check()
}

// maxObjects bounds what UDisks2 may know of. A device with many snaps has some
// hundred loop devices.
const maxObjects = 10_000

// types are those of the properties that are read, by interface, as D-Bus writes
// them. Source: data/org.freedesktop.UDisks2.xml of UDisks2 2.10.
var types = map[string]map[string]string{
	blockIface: {
		"IdUsage": "s", "IdType": "s", "IdUUID": "s", "IdLabel": "s", "HintIgnore": "b", "HintSystem": "b", "ReadOnly": "b",
		"Size": "t", "DeviceNumber": "t", "Drive": "o", "CryptoBackingDevice": "o",
	},
	fsIface:    {"MountPoints": "aay"},
	driveIface: {"Vendor": "s", "Model": "s", "ConnectionBus": "s", "Removable": "b", "MediaRemovable": "b", "CanPowerOff": "b", "Ejectable": "b"},
}

// check says which property is of another type: the disk would be passed over, or
// taken for another one, without a word.
func (all objects) check() error {
	for path, ifaces := range all {
		for iface, names := range types {
			for name, want := range names {
				if v, has := ifaces[iface][name]; has && v.Signature().String() != want {
					return fmt.Errorf("cannot use the answer of UDisks2: %s of %s is of another type", name, path)
				}
			}
		}
	}
	return nil
}

// value is a property, the zero value where it is missing.
func value[T any](p properties, name string) (v T) {
	v, _ = p[name].Value().(T)
	return v
}

// volume is a file system that a person can plug in and out.
type volume struct {
	path    dbus.ObjectPath // of the block device with the file system
	locked  dbus.ObjectPath // of the encrypted device beneath it, "" for none
	drive   dbus.ObjectPath
	block   properties
	points  []string
	driveOf properties
}

// maxDisks bounds what is listed.
const maxDisks = 256

// volumes are those among the objects, in the order of their paths.
func (all objects) volumes() []volume {
	var vs []volume
	for path, ifaces := range all {
		block, fs := ifaces[blockIface], ifaces[fsIface]
		if block == nil || fs == nil || value[string](block, "IdUsage") != "filesystem" || value[bool](block, "HintIgnore") || value[bool](block, "HintSystem") {
			continue
		}
		v := volume{path: path, block: block, drive: value[dbus.ObjectPath](block, "Drive"), points: pathsOf(value[[][]byte](fs, "MountPoints"))}
		if under := value[dbus.ObjectPath](block, "CryptoBackingDevice"); len(under) > 1 {
			v.locked, v.drive = under, value[dbus.ObjectPath](all[under][blockIface], "Drive")
		}
		v.driveOf = all[v.drive][driveIface]
		if v.driveOf == nil || !pluggable(v.driveOf) {
			continue
		}
		vs = append(vs, v)
	}
	slices.SortFunc(vs, func(a, b volume) int { return strings.Compare(string(a.path), string(b.path)) })
	return vs[:min(len(vs), maxDisks)]
}

// pluggable reports whether a person can take a drive away: it has a medium that
// comes out, or hangs on a cable that does.
func pluggable(drive properties) bool {
	switch value[string](drive, "ConnectionBus") {
	case "usb", "sdio", "ieee1394":
		return true
	}
	return value[bool](drive, "Removable") || value[bool](drive, "MediaRemovable")
}

// maxPoints bounds the places at which one disk is mounted.
const maxPoints = 16

// pathsOf are the mount points as UDisks2 gives them: bytes, ended by a zero.
func pathsOf(raw [][]byte) (paths []string) {
	for _, b := range raw[:min(len(raw), maxPoints)] {
		if p := string(bytes.TrimRight(b, "\x00")); strings.HasPrefix(p, "/") {
			paths = append(paths, p)
		}
	}
	return paths
}

// label is what a person calls the disk.
func (v *volume) label() string {
	maker := value[string](v.driveOf, "Vendor") + " " + value[string](v.driveOf, "Model")
	for _, name := range []string{value[string](v.block, "IdLabel"), maker} {
		if s := place.Showable(name); s != "" {
			return s
		}
	}
	return "a disk without a name"
}
