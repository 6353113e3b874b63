package gvfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/bus"
)

// Service is GVfs' name on the session bus.
const (
	Service      = "org.gtk.vfs.Daemon"
	trackerPath  = dbus.ObjectPath("/org/gtk/vfs/mounttracker")
	trackerIface = "org.gtk.vfs.MountTracker"
)

// maxMounts bounds what GVfs may list.
const maxMounts = 5000

// listed is a mount as GVfs answers it.
type listed struct {
	Owner                                             string
	Path                                              dbus.ObjectPath
	Display, Stable, Content, Icon, Symbolic, Charset string
	Visible                                           bool
	Fuse                                              []byte
	Spec                                              struct {
		Prefix []byte
		Items  map[string]dbus.Variant
	}
	Location []byte
}

// mount is a server that is mounted.
type mount struct {
	stable string // what GVfs knows it by, the same each time
	folder string // where programs see its files, "" for nowhere
	who    binding.Who
	uri    string
}

// mounts are the servers that GVfs has mounted. Where it does not run there are
// none.
func mounts(ctx context.Context, b *bus.Conn) ([]mount, error) {
	var all []listed
	m := bus.Method{Service: Service, Path: trackerPath, Name: trackerIface + ".ListMounts2", NoStart: true}
	err := b.CallOwn(ctx, m, []any{false}, &all)
	if errors.Is(err, bus.ErrNoService) {
		return nil, nil
	}
	if err == nil && len(all) > maxMounts {
		err = fmt.Errorf("%d are more than the %d that can be handled", len(all), maxMounts)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the mounted servers: %w", err)
	}
	var found []mount
	for _, l := range all {
		if m, ok := l.mount(); ok {
			found = append(found, m)
		}
	}
	return found, nil
}

// mount is what is mounted; ok is false for what is no server.
func (l listed) mount() (mount, bool) {
	items := map[string]string{}
	for key, v := range l.Spec.Items {
		if text, ok := v.Value().([]byte); ok {
			items[key] = text0(text)
		}
	}
	m := mount{stable: l.Stable, folder: text0(l.Fuse)}
	host, user := items["host"], items["user"]
	u := url.URL{Path: text0(l.Spec.Prefix)}
	switch kind := items["type"]; kind {
	case "dav", "sftp", "ftp", "ftps", "nfs":
		m.who = binding.Who{Type: kind, User: user}
		u.Scheme = kind
		if kind == "dav" && items["ssl"] == "true" {
			u.Scheme = "davs"
		}
	case "smb-share", "afp-volume":
		u.Scheme, _, _ = strings.Cut(kind, "-")
		host = items["server"] + items["host"]
		u.Path = "/" + items["share"] + items["volume"]
		m.who = binding.Who{Type: u.Scheme, User: user}
	case "google-drive", "onedrive":
		m.who = binding.Who{Type: map[string]string{"google-drive": "google", "onedrive": "microsoft"}[kind], User: user + "@" + host}
		u.Scheme, u.Path = kind, "/"
	default:
		return mount{}, false
	}
	u.Host = host
	if items["port"] != "" {
		u.Host = net.JoinHostPort(host, items["port"])
	}
	if user != "" {
		u.User = url.User(user)
	}
	m.uri = u.String()
	if m.who.Type != "google" && m.who.Type != "microsoft" {
		m.who.Host = binding.Host(u.Scheme + "://" + u.Host)
	}
	return m, true
}

// text0 is a text that ends with a zero.
func text0(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
