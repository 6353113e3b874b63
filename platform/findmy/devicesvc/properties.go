package devicesvc

import (
	"github.com/clearance-project/clearance/platform/findmy"
	"github.com/godbus/dbus/v5"
)

// properties answers org.freedesktop.DBus.Properties. godbus's own prop package
// cannot: it does not look at who reads.
type properties struct{ s *Service }

func (p *properties) values() map[string]dbus.Variant {
	now := p.s.now()
	return map[string]dbus.Variant{
		"State":       dbus.MakeVariant(now.State),
		"Provider":    dbus.MakeVariant(p.s.cfg.Provider),
		"Account":     dbus.MakeVariant(p.s.cfg.Account),
		"ConfirmedBy": dbus.MakeVariant(now.ConfirmedBy),
		"ObservedAt":  dbus.MakeVariant(now.ObservedAt),
		"Simulated":   dbus.MakeVariant(true),
	}
}

// GetAll returns every property.
func (p *properties) GetAll(sender dbus.Sender, iface string) (map[string]dbus.Variant, *dbus.Error) {
	if err := p.s.allowed(sender); err != nil {
		return nil, err
	}
	if iface != findmy.Interface {
		return map[string]dbus.Variant{}, nil
	}
	return p.values(), nil
}

// Get returns one property.
func (p *properties) Get(sender dbus.Sender, iface, name string) (dbus.Variant, *dbus.Error) {
	all, err := p.GetAll(sender, iface)
	if err != nil {
		return dbus.Variant{}, err
	}
	value, ok := all[name]
	if !ok {
		return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", []any{"no such property"})
	}
	return value, nil
}

// Set refuses: every property is read only.
func (p *properties) Set(sender dbus.Sender, _, _ string, _ dbus.Variant) *dbus.Error {
	if err := p.s.allowed(sender); err != nil {
		return err
	}
	return dbus.NewError("org.freedesktop.DBus.Error.PropertyReadOnly", []any{"it is turned off with Disable"})
}

type introspectable struct{}

// Introspect returns the interface; it says nothing of the device.
func (introspectable) Introspect() (string, *dbus.Error) { return introspection, nil }

const introspection = `<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<node>
  <interface name="org.clearance.FindMyDevice1">
    <method name="Disable"><arg name="proof" type="a{sv}" direction="in"/><arg name="result" type="a{sv}" direction="out"/></method>
    <method name="Enable"><arg name="proof" type="a{sv}" direction="in"/><arg name="result" type="a{sv}" direction="out"/></method>
    <property name="State" type="s" access="read"/>
    <property name="Provider" type="s" access="read"/>
    <property name="Account" type="s" access="read"/>
    <property name="ConfirmedBy" type="s" access="read"/>
    <property name="ObservedAt" type="x" access="read"/>
    <property name="Simulated" type="b" access="read"/>
    <annotation name="org.freedesktop.DBus.Property.EmitsChangedSignal" value="invalidates"/>
  </interface>
</node>
`
