package provider

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed trackers.json
var trackersFile []byte

// TrackerKind says what a program that deals with the place of a device is.
type TrackerKind string

// A DeviceTracker ties the device to an account and can find or lock it through
// that; what is Information merely deals with places, and is told.
const (
	DeviceTracker TrackerKind = "tracker"
	Information   TrackerKind = "information"
)

// LocalTracker is a program of this device that can find it, and by what it is
// known to be there. It is never stopped or removed by us.
type LocalTracker struct {
	ID   string      `json:"id"`
	Name string      `json:"name"`
	Kind TrackerKind `json:"kind"`
	// Provider is whose account it ties the device to; empty for Information.
	Provider string `json:"provider,omitempty"`
	// Units are systemd's names of its services.
	Units []string `json:"units,omitempty"`
	// Packages are its names among the system's packages.
	Packages []string `json:"packages,omitempty"`
	// Paths are files or folders that it alone has; an element may hold "*".
	Paths []string `json:"paths,omitempty"`
	// Text says what it does, Guide how a person unlinks it.
	Text       string     `json:"text"`
	Guide      []string   `json:"guide"`
	Source     string     `json:"source"`
	Confidence Confidence `json:"confidence"`
}

// LocalTrackers are the programs that this version knows of.
func LocalTrackers() []LocalTracker { return slices.Clone(localTrackers()) }

var localTrackers = sync.OnceValue(func() []LocalTracker {
	list, err := parseTrackers(trackersFile)
	if err != nil {
		panic("provider: the built-in list of trackers cannot be used: " + err.Error()) // a test reads it
	}
	return list
})

var (
	unitShape    = regexp.MustCompile(`^[A-Za-z0-9:_.@-]+\.service$`)
	packageShape = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]*$`)
)

func parseTrackers(raw []byte) ([]LocalTracker, error) {
	var file struct {
		Version  int            `json:"version"`
		Trackers []LocalTracker `json:"trackers"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end")
	}
	if file.Version != 1 {
		return nil, fmt.Errorf("version %d is not known, only 1", file.Version)
	}
	v := &validator{}
	var ids []string
	for _, t := range file.Trackers {
		ids = append(ids, t.ID)
		t.validate(v)
	}
	v.ids("trackers", ids)
	return file.Trackers, errors.Join(v.faults...)
}

func (t LocalTracker) validate(v *validator) {
	v.text(t.ID+".name", t.Name)
	v.text(t.ID+".text", t.Text)
	v.text(t.ID+".source", t.Source)
	v.texts(t.ID+".guide", t.Guide)
	v.confidence(t.ID, t.Confidence)
	v.all(t.ID+".units", t.Units, unitShape)
	v.all(t.ID+".packages", t.Packages, packageShape)
	for _, p := range t.Paths {
		if !path.IsAbs(p) || path.Clean(p) != p || strings.ContainsAny(p, `?[\`) {
			v.fault("%s.paths: %q is not a clean absolute path", t.ID, p)
		}
	}
	switch {
	case t.Kind == DeviceTracker && (t.Provider == "" || len(t.Guide) == 0):
		v.fault("%s: a tracker needs the provider of its account and a guide to unlink it", t.ID)
	case t.Kind == Information && t.Provider != "":
		v.fault("%s: what is information has no provider", t.ID)
	case t.Kind != DeviceTracker && t.Kind != Information:
		v.fault("%s: kind is %q, want tracker or information", t.ID, t.Kind)
	}
	if len(t.Units)+len(t.Packages)+len(t.Paths) == 0 {
		v.fault("%s: there is nothing to know it by", t.ID)
	}
}
