// Package diskstest plays UDisks2 on a private bus, for tests: there is no udev
// where they run. Its objects, types and errors are those of the interfaces
// Block, Filesystem, Drive and Encrypted of UDisks2 2.10
// (data/org.freedesktop.UDisks2.xml of its source); what it unmounts is really
// unmounted, and what is in use is refused as there.
//
// It imports the standard library, x/sys and godbus.
package diskstest

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

const (
	name      = "org.freedesktop.UDisks2"
	rootPath  = dbus.ObjectPath("/org/freedesktop/UDisks2")
	blocks    = rootPath + "/block_devices/"
	drives    = rootPath + "/drives/"
	none      = dbus.ObjectPath("/")
	manager   = "org.freedesktop.DBus.ObjectManager"
	busFilesI = name + ".Filesystem"
)

// Disk is a disk as UDisks2 tells it. Name is its block device's ("sdb1").
type Disk struct {
	Name, UUID, Label, Model string
	Bus                      string // Drive.ConnectionBus: "usb", "" for one that is built in
	Points                   []string
	System                   bool // Block.HintSystem
	Locked                   bool // it lies on an encrypted device
	Ejectable, CanPowerOff   bool
}

// UDisks is the service.
type UDisks struct {
	conn *dbus.Conn

	mu     sync.Mutex
	disks  []Disk
	refuse map[string]string // by method: the error's name, after UDisks2's own prefix
	calls  []string
}

// Start owns the service's name on the bus of conn, which stays the caller's.
func Start(conn *dbus.Conn) (*UDisks, error) {
	u := &UDisks{conn: conn, refuse: make(map[string]string)}
	err := conn.ExportMethodTable(map[string]any{"GetManagedObjects": u.managed}, rootPath, manager)
	if err != nil {
		return nil, err
	}
	reply, err := conn.RequestName(name, dbus.NameFlagDoNotQueue)
	if err == nil && reply != dbus.RequestNameReplyPrimaryOwner {
		err = errors.New("the name of UDisks2 is taken on this bus")
	}
	return u, err
}

// Plug adds a disk and says so.
func (u *UDisks) Plug(d Disk) error {
	u.mu.Lock()
	u.disks = append(u.disks, d)
	u.mu.Unlock()
	fs, drive := map[string]any{"Unmount": u.unmount(d.Name)}, map[string]any{"PowerOff": u.powerOff("PowerOff", d.Name), "Eject": u.powerOff("Eject", d.Name)}
	err := errors.Join(u.conn.ExportMethodTable(fs, blocks+dbus.ObjectPath(d.Name), busFilesI),
		u.conn.ExportMethodTable(drive, drives+dbus.ObjectPath(d.Name), name+".Drive"),
		u.conn.ExportMethodTable(map[string]any{"Lock": u.does("Lock")}, blocks+dbus.ObjectPath("crypt_"+d.Name), name+".Encrypted"))
	for path, ifaces := range d.objects() {
		err = errors.Join(err, u.conn.Emit(rootPath, manager+".InterfacesAdded", path, ifaces))
	}
	return err
}

// Pull takes a disk away, as when its cable is pulled, and says so. What is
// mounted stays so.
func (u *UDisks) Pull(device string) error {
	u.mu.Lock()
	i := slices.IndexFunc(u.disks, func(d Disk) bool { return d.Name == device })
	if i < 0 {
		u.mu.Unlock()
		return fmt.Errorf("there is no disk %s", device)
	}
	d := u.disks[i]
	u.disks = slices.Delete(u.disks, i, i+1)
	u.mu.Unlock()
	var err error
	for path, ifaces := range d.objects() {
		var names []string
		for n := range ifaces {
			names = append(names, n)
		}
		err = errors.Join(err, u.conn.Emit(rootPath, manager+".InterfacesRemoved", path, names))
	}
	return err
}

// Refuse makes a method answer with an error of UDisks2's ("DeviceBusy"); ""
// ends it.
func (u *UDisks) Refuse(method, with string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.refuse[method] = with
}

// Calls are the methods that were called, in order.
func (u *UDisks) Calls() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.calls)
}

func (u *UDisks) called(method string) *dbus.Error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls = append(u.calls, method)
	if with := u.refuse[method]; with != "" {
		return failed(with, method+" was refused")
	}
	return nil
}

func failed(with, text string) *dbus.Error {
	return dbus.NewError(name+".Error."+with, []any{text})
}

func (u *UDisks) does(method string) func(map[string]dbus.Variant) *dbus.Error {
	return func(map[string]dbus.Variant) *dbus.Error { return u.called(method) }
}

func (u *UDisks) powerOff(method, device string) func(map[string]dbus.Variant) *dbus.Error {
	return func(map[string]dbus.Variant) *dbus.Error {
		if err := u.called(method); err != nil {
			return err
		}
		if err := u.Pull(device); err != nil {
			return failed("Failed", err.Error())
		}
		return nil
	}
}

func (u *UDisks) unmount(device string) func(map[string]dbus.Variant) *dbus.Error {
	return func(map[string]dbus.Variant) *dbus.Error {
		if err := u.called("Unmount"); err != nil {
			return err
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		i := slices.IndexFunc(u.disks, func(d Disk) bool { return d.Name == device })
		if i < 0 || len(u.disks[i].Points) == 0 {
			return failed("NotMounted", "it is not mounted")
		}
		points := u.disks[i].Points
		switch err := unix.Unmount(points[0], 0); {
		case errors.Is(err, unix.EBUSY):
			return failed("DeviceBusy", "target is busy")
		case err != nil:
			return failed("Failed", err.Error())
		}
		u.disks[i].Points = points[1:]
		return nil
	}
}

type interfaces = map[string]map[string]dbus.Variant

func (u *UDisks) managed() (map[dbus.ObjectPath]interfaces, *dbus.Error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := make(map[dbus.ObjectPath]interfaces)
	for i := range u.disks {
		for path, ifaces := range u.disks[i].objects() {
			all[path] = ifaces
		}
	}
	return all, nil
}

// objects are those of one disk.
func (d *Disk) objects() map[dbus.ObjectPath]interfaces {
	drive := drives + dbus.ObjectPath(d.Name)
	var points [][]byte
	var dev uint64
	for _, p := range d.Points {
		points = append(points, append([]byte(p), 0))
		var st unix.Stat_t
		if unix.Stat(p, &st) == nil {
			dev = st.Dev
		}
	}
	block := map[string]dbus.Variant{
		"Device": dbus.MakeVariant(append([]byte("/dev/"+d.Name), 0)), "DeviceNumber": dbus.MakeVariant(dev),
		"IdUUID": dbus.MakeVariant(d.UUID), "IdLabel": dbus.MakeVariant(d.Label), "IdUsage": dbus.MakeVariant("filesystem"),
		"IdType": dbus.MakeVariant("ext4"), "Size": dbus.MakeVariant(uint64(64 << 30)), "ReadOnly": dbus.MakeVariant(false),
		"Drive": dbus.MakeVariant(drive), "HintSystem": dbus.MakeVariant(d.System), "HintIgnore": dbus.MakeVariant(false),
		"CryptoBackingDevice": dbus.MakeVariant(none),
	}
	all := map[dbus.ObjectPath]interfaces{
		drive: {name + ".Drive": {
			"Vendor": dbus.MakeVariant("Maker"), "Model": dbus.MakeVariant(d.Model), "ConnectionBus": dbus.MakeVariant(d.Bus),
			"Removable": dbus.MakeVariant(false), "MediaRemovable": dbus.MakeVariant(false),
			"Ejectable": dbus.MakeVariant(d.Ejectable), "CanPowerOff": dbus.MakeVariant(d.CanPowerOff),
		}},
	}
	if d.Locked {
		under := blocks + dbus.ObjectPath("crypt_"+d.Name)
		block["Drive"], block["CryptoBackingDevice"] = dbus.MakeVariant(none), dbus.MakeVariant(under)
		all[under] = interfaces{name + ".Block": {"Drive": dbus.MakeVariant(drive), "IdUsage": dbus.MakeVariant("crypto")}, name + ".Encrypted": {}}
	}
	all[blocks+dbus.ObjectPath(d.Name)] = interfaces{name + ".Block": block, busFilesI: {"MountPoints": dbus.MakeVariant(points)}}
	return all
}
