package apitest

import (
	"context"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// disks are those that are plugged in to the world: three, until Copies is
// ejected.
type disks struct{ *World }

// List implements engine.Disks.
func (d disks) List(context.Context) ([]engine.Disk, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := []engine.Disk{
		{ID: "uuid:2", Label: "Camera", Kind: "vfat", Size: 64e9},
		{ID: "uuid:3", Label: "Old", Folder: "/media/old", Kind: "iso9660", Size: 7e8, ReadOnly: true},
	}
	if !d.ejected {
		list = append(list, engine.Disk{ID: "uuid:1", Label: "Copies", Folder: "/media/copies", Kind: "ext4", Size: 2e12, Free: 31e8})
	}
	return list, nil
}

// Eject implements engine.Disks.
func (d disks) Eject(context.Context, engine.Destination) (engine.Ejected, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ejected {
		return engine.Ejected{}, &engine.BlockedError{Why: departure.Reason{Code: "not-removable", Text: "that folder is not on a disk that can be plugged out"},
			Remedy: departure.Remedy{Code: "destination", Text: "see which disks are plugged in", Command: "clearance destination"}}
	}
	d.ejected = true
	return engine.Ejected{Label: "Copies", Off: true}, nil
}
